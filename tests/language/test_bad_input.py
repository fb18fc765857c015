"""Bad input: each a one-paragraph error with the place and the mend, and nothing executed."""

from __future__ import annotations

import pytest

from derive.errors import DefinitionError, DeriveError, InputError, UnknownName
from derive.language import load_definition, parse_text, specialise

HEAD = "def f(x: Real[N, K], w: Real[K, M]):\n    "
END = "\n    return y"


def refused(text: str, kind: type[DeriveError] = DefinitionError) -> DeriveError:
    """The error a text meets; it must say where and how to mend it, in one short paragraph."""
    with pytest.raises(kind) as caught:
        for definition in parse_text(text, "my.py"):
            specialise(definition)
    error = caught.value
    assert error.place is not None and error.place.file == "my.py" and error.place.line >= 1
    assert error.mend
    assert len(str(error).splitlines()) <= 4
    return error


#: name → (body between HEAD and END, words of the message, words of the mend)
BODIES: dict[str, tuple[str, str, str]] = {
    "unbound_letter": ("y[n, k] = x[n, j]", "letter j is not bound", "sum[j]"),
    "rank_mismatch": ("y[n] = sum[k](x[n, k, k])", "x has 2 axes, read here with 3 indices", "[N, K]"),
    "whole_tensor_in_equation": ("y[n, k] = x + x[n, k]", "stands here without indices", "one index for each axis"),
    "range_outside_reduction": ("y: Real[N, K]\n    y[n, k] = x[n + 1, k]", "n + 1 is read out of range", "padded"),
    "literal_out_of_range": ("y: Real[3]\n    y[n] = 1\n    y[4] = 2", "index 4 is out of range", "count from 0"),
    "cyclic_recurrence": ("y[n] = a[n]\n    a[n] = y[n] + x[n, 0]", "cyclic recurrence: y → a → y", "[t - 1]"),
    "recurrence_both_ways": (
        "h[-1] = 0\n    h[t] = h[t - 1] + padded(h[t + 1], 0) + x[t, 0]\n    y = h", "cyclic recurrence", "t - 1",
    ),
    "recurrence_without_base": ("y[t] = y[t - 1] + x[t, 0]", "t - 1 is read out of range", "y[-1]"),
    "unknown_function": ("y[n, k] = sofmax(x[n, k])", "no function sofmax", "did you mean softmax"),
    "unknown_call": ("y = sofmax(x)", "no function sofmax", "did you mean softmax"),
    "name_bound_twice": ("y = relu(x)\n    y = relu(x)", "name y is bound twice", "own name"),
    "input_redefined": ("x[n, k] = 1\n    y[n, k] = x[n, k]", "name x is bound twice", "own name"),
    "points_defined_twice": ("y[n, k] = x[n, k]\n    y[n, k] = 1", "two equations for the same points", "range"),
    "letter_bound_twice": ("y[n, k] = sum[n](x[n, k])", "letter n is bound twice", "differently"),
    "letter_twice_on_the_left": ("y[n, n] = x[n, n]", "stands twice on the left", "y[i, j == i]"),
    "letter_named_like_a_tensor": ("y[n] = sum[w](x[n, w])", "also the name of a tensor", "another letter"),
    "letter_named_like_a_size": ("y[N] = x[N, 0]", "also the name of a size", "another letter"),
    "letters_disagree": ("y[n, k] = x[n, k] + w[k, n]", "letter n runs over N and over M", "two letters"),
    "summed_but_never_read": ("y[n, k] = sum[r](x[n, k])", "index r is summed but never read", "x[n, k + r]?"),
    "undeclared_extent": ("y[n] = sum[k](x[n + 1, k])", "extent of axis 1 of y is not known", "declare it: y: Real["),
    "unknown_size": ("y: Real[N, L]\n    y[n, l] = x[n, 0]", "size L is not known", "L = 2*N"),
    "hole_in_pieces": ("y: Real[4]\n    y[0] = N\n    y[2] = N", "no equation where axis 1 is 1", "add one"),
    "open": ("y[n, k] = open('a')", "no function open", "define it"),
    "import_inside": ("import os\n    y[n, k] = x[n, k]", "import is not part", "only equations"),
    "attribute": ("y[n, k] = x.sum()", "an attribute (a dot)", "exp(x[n])"),
    "lambda": ("y[n, k] = (lambda a: a)(x[n, k])", "a lambda", "definition of its own"),
    "while_loop": ("while True:\n        pass\n    y[n, k] = x[n, k]", "a while loop", "for i in range(n)"),
    "comprehension": ("y[n] = sum([x[n, k] for k in range(3)])", "comprehension", "sum[k](x[k])"),
    "slice": ("y[n] = x[n, 1:]", "a slice", "name the letters"),
    "matrix_product": ("y = x @ w", "the operator @", "sum[j]"),
    "augmented": ("y[n, k] += x[n, k]", "augmented", "one equation"),
    "f_string": ("y[n, k] = f'{x}'", "f-string", "literals"),
    "power_tower": ("y[n, k] = x[n, k]**9**9**9", "exponent is too large", "256"),
    "power_tower_as_size": ("S = 9**9**9\n    y[n, k] = x[n, k]", "exponent is too large", "256"),
    "large_integer": ("y[n, k] = x[n, k]*99999999999999999999", "integer is too large", "2**63"),
    "integer_of_5000_digits": (f"y[n, k] = x[n, k]*{'9' * 5000}", "integer is too large", "2**63"),
    "large_float": ("y[n, k] = x[n, k]*1e999", "number is too large", "inf"),
    "complex_number": ("y[n, k] = x[n, k]*1j", "complex", "real"),
    "division_by_zero": ("y[n, k] = x[n, k]/0", "division by zero", "0"),
    "bar_in_reduction": ("y[n] = sum[k | x[n, k] > 0](x[n, k])", "|", "follows a comma"),
    "reduction_without_letters": ("y[n] = sum(x[n, k])", "sum needs its letters", "sum[k]"),
    "reduction_binds_nothing": ("y = sum[N > 0](1)", "sum binds no letter", "at least one"),
    "unbound_in_filter": ("y[n] = sum[k, j == k](x[n, k])", "letter j is not bound yet", "bind j first"),
    "max_of_one": ("y[n] = max(x[n, 0])", "max of one value", "max[k]"),
    "round_composite": ("y[n, k] = x[n, (k, k)]", "round brackets", "[g, c]"),
    "composite_of_plain_axis": ("y[n, g, c] = x[n, [g, c]]", "K, not a composite", "[G, C]"),
    "index_not_whole": ("y: Real[N]\n    y[n] = x[n/2, 0]", "not a whole number", "Index tensors"),
    "index_is_real_data": ("y[n] = x[n, w[0, 0]]", "not a whole number", "Index tensors"),
    "left_index_is_data": ("y[w[n, 0]] = x[n, 0]", "left side has an index that is data", "== k"),
    "left_index_is_arithmetic": ("y[2*n] = x[n, 0]", "expression of letters stands on the left", "reads"),
    "condition_as_number": ("y[n, k] = x[n, k] + (x[n, k] > 0)", "condition stands where a number", "where"),
    "number_as_condition": ("y[n, k] = where(x[n, k], 1, 0)", "number stands where a condition", "!= 0"),
    "if_on_data": ("y[n, k] = x[n, k] if x[n, k] > 0 else 0", "if is for hyperparameters", "where(condition, a, b)"),
    "static_if_on_data": ("if x[0, 0] > 1:\n        y[n, k] = x[n, k]", "not decided by hyperparameters", "where"),
    "loop_over_a_size": ("for i in range(N):\n        y[n, k] = x[n, k]", "known when deriving", "hyperparameter"),
    "loop_too_long": ("for i in range(10**6):\n        y[n, k] = x[n, k]", "over the limit", "recurrence"),
    "draw_in_equation": ("y[n, k] = bernoulli(0.5)*x[n, k]", "draw is an input's default", "among the inputs"),
    "declared_without_equation": ("z: Real[N]\n    y[n] = x[n, 0]", "z is declared but has no equation", "write one"),
    "nested_def": ("def g(a):\n        return a\n    y[n, k] = x[n, k]", "not a statement", "equations"),
    "too_many_arguments": ("y = relu(x, w)", "relu takes 1 inputs, not 2", "they are x"),
    "unknown_keyword": ("y = avg_pool2d(x, kernel_sise=2)", "has no kernel_sise", "did you mean kernel_size"),
    "call_does_not_fit": ("y = linear(x, w)", "weight has M where K is expected", "agree"),
}  # fmt: skip


@pytest.mark.parametrize("name", BODIES)
def test_body(name: str):
    body, message, mend = BODIES[name]
    error = refused(HEAD + body + END)
    assert message in error.message, str(error)
    assert mend in error.mend, str(error)


#: name → (whole text, words of the message)
TEXTS: dict[str, tuple[str, str]] = {
    "import": ("import os\n" + HEAD + "y[n, k] = x[n, k]" + END, "an import is not part"),
    "class": ("class A:\n    pass", "a class is not part"),
    "no_definition": ("\n", "holds no definition"),
    "nothing_returned": ("def f(x: Real[N]):\n    y[n] = x[n]", "returns nothing"),
    "unknown_result": ("def f(x: Real[N]):\n    y[n] = x[n]\n    return z", "z is not a tensor"),
    "after_the_return": ("def f(x: Real[N]):\n    return x\n    y[n] = x[n]", "nothing may follow the return"),
    "unknown_decorator": ("@jit\ndef f(x: Real[N]):\n    return x", "decorator is not known"),
    "collected_arguments": ("def f(*x):\n    return x", "collects arguments"),
    "unknown_kind": ("def f(x: Tensor[N]):\n    return x", "type of x is not known"),
    "untyped_hyper": ("def f(x: Real[N], *, k):\n    return x", "neither a type nor a default"),
    "wrong_default": ("def f(x: Real[N], *, k: Int = 1.5):\n    return x", "default of k is not Int"),
    "defined_twice": ("def f(x: Real[N]):\n    return x\ndef f(x: Real[N]):\n    return x", "defined twice"),
    "calls_itself": ("def f(x: Real[N]):\n    y = f(x)\n    return y", "16 deep"),
    "dunder": ("def f(__x: Real[N]):\n    return __x", "reserved"),
    "long_name": (f"def f({'x' * 33}: Real[N]):\n    return x", "not allowed"),
    "foreign_letters": ("def f(é: Real[N]):\n    return é", "not allowed"),
    "syntax": ("def f(x: Real[N])\n    return x", "not Python syntax"),
    "ten_thousand_parentheses": (
        f"def f(x: Real[N]):\n    y[n] = {'(' * 10_000}x[n]{')' * 10_000}\n    return y",
        "deeper",
    ),
    "twenty_thousand_minus": (f"def f(x: Real[N]):\n    y[n] = {'-' * 20_000}x[n]\n    return y", "deeper"),
    "ten_thousand_not": (f"def f(x: Real[N]):\n    y[n] = {'not ' * 10_000}x[n]\n    return y", "deeper"),
    "long_sum": (f"def f(x: Real[N]):\n    y[n] = {'+'.join(['x[n]'] * 2000)}\n    return y", "deeper"),
    "hundred_kilobytes": ("def f(x: Real[N]):\n    return x\n" + "#" * 100_000, "over the limit"),
    "many_nodes": ("def f(x: Real[N]):\n" + "".join(f"    a{i}[n]=x[n]+{i}\n" for i in range(2500)), "nodes"),
    "nul_byte": ("def f(x: Real[N]):\n    y[n] = x[n]\0\n    return y", "NUL byte"),
    "assertion": (
        "def f(x: Real[N], *, k: Int = 2):\n    assert k > 3\n    for i in range(k):\n        pass\n    return x",
        "does not hold",
    ),
}


@pytest.mark.parametrize("name", TEXTS)
def test_text(name: str):
    text, message = TEXTS[name]
    assert message in refused(text).message


def test_column_and_line_point_at_the_word():
    error = refused("def f(x: Real[N]):\n    a[n] = x[n]\n    y[n] = a[n]*sofmax(x[n])\n    return y")
    assert error.place is not None and (error.place.line, error.place.column) == (3, 17)
    assert str(error).splitlines()[1].strip() == "y[n] = a[n]*sofmax(x[n])"
    assert str(error).splitlines()[2].index("^") - 4 == "y[n] = a[n]*sofmax(x[n])".index("sofmax")


# ------------------------------------------------------------------------------ names and files


def test_misspelt_layer_name():
    with pytest.raises(UnknownName, match="conv2dd") as caught:
        load_definition("conv2dd")
    assert "conv2d" in caught.value.mend


def test_missing_file():
    with pytest.raises(UnknownName, match="there is no file") as caught:
        load_definition("nowhere/at_all.py:f")
    assert caught.value.mend


def test_misspelt_file(tmp_path):
    (tmp_path / "layer.py").write_text("def f(x: Real[N]):\n    return x\n")
    with pytest.raises(UnknownName) as caught:
        load_definition(str(tmp_path / "layr.py"))
    assert "layer.py" in caught.value.mend


def test_directory(tmp_path):
    with pytest.raises(UnknownName, match="is a directory"):
        load_definition(str(tmp_path))


def test_unreadable_name_in_file(tmp_path):
    (tmp_path / "layer.py").write_text("def rectify(x: Real[N]):\n    return x\n")
    with pytest.raises(UnknownName) as caught:
        load_definition(f"{tmp_path / 'layer.py'}:rectfy")
    assert "rectify" in caught.value.mend


def test_not_utf8(tmp_path):
    path = tmp_path / "layer.py"
    path.write_bytes(b"def f(x: Real[N]):\n    return x  # \xff\n")
    with pytest.raises(DefinitionError, match="not UTF-8") as caught:
        load_definition(str(path))
    assert caught.value.place is not None and caught.value.place.line == 2


def test_file_of_100_kilobytes(tmp_path):
    path = tmp_path / "layer.py"
    path.write_text("def f(x: Real[N]):\n    return x\n" + "#" * 100_000)
    with pytest.raises(DefinitionError, match="over the limit"):
        load_definition(str(path))


@pytest.mark.parametrize("target", ["", "   ", "conv2d:foo", "a\0b"])
def test_names_that_are_none(target: str):
    with pytest.raises(UnknownName):
        load_definition(target)


def test_nothing_is_executed(tmp_path):
    """A definition file from a stranger is data."""
    path = tmp_path / "evil.py"
    flag = tmp_path / "ran"
    path.write_text(f"open({str(flag)!r}, 'w')\ndef f(x: Real[N]):\n    return x\n")
    with pytest.raises(DefinitionError):
        load_definition(str(path))
    assert not flag.exists()


# ------------------------------------------------------------------------------ hyperparameters

CHOICES: dict[str, tuple[str, dict, str, str]] = {
    "does_not_exist": ("conv2d", {"strid": 2}, "no hyperparameter 'strid'", "did you mean stride?"),
    "wrong_kind_text": ("conv2d", {"stride": "a"}, "stride is an integer, not 'a'", "integer"),
    "wrong_kind_real": ("conv2d", {"stride": 1.5}, "stride is an integer, not 1.5", "integer"),
    "wrong_kind_bool": ("conv2d", {"stride": True}, "stride is an integer", "integer"),
    "wrong_length": ("conv2d", {"stride": (1, 2, 3)}, "stride has 2 values, not 3", "stride=(1, 1)"),
    "not_allowed": ("mse_loss", {"reduction": "men"}, "reduction cannot be 'men'", "did you mean 'mean'?"),
    "not_a_text": ("mse_loss", {"reduction": 3}, "reduction is a text, not 3", "'sum'"),
    "not_a_number": ("layer_norm", {"eps": float("nan")}, "eps is a number, not nan", "number"),
    "not_a_truth": ("batch_norm", {"training": 2}, "training is True or False, not 2", "True"),
    "an_input": ("conv2d", {"weight": 3}, "weight is an input of conv2d", "when calling"),
    "required_input_left_out": ("conv2d", {"weight": None}, "weight is an input of conv2d", "when calling"),
}


@pytest.mark.parametrize("case", CHOICES)
def test_choice(case: str):
    name, choices, message, mend = CHOICES[case]
    with pytest.raises(InputError) as caught:
        specialise(load_definition(name), **choices)
    assert message in caught.value.message and mend in caught.value.mend


def test_structural_without_a_value():
    definition = parse_text("def f(x: Real[N], *, n: Int):\n    for i in range(n):\n        y[k] = x[k]\n    return x")[
        0
    ]
    with pytest.raises(InputError, match="without a value for n") as caught:
        specialise(definition)
    assert caught.value.mend == "give one: n=2"
