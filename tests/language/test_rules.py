"""Each rule of the language that one case alone catches, by name (language.md, sections 1 to 5 and 8)."""

from __future__ import annotations

import math

import numpy as np
import pytest

from derive.errors import DefinitionError, InputError
from derive.program import Bind, Compare, Part, Read, Reduce, Size, Where, walk

X = [1.0, 2.0, 3.0, 4.0, 5.0]


def f(body: str, inputs: str = "x: Real[N]") -> str:
    """A definition with this body, returning y."""
    lines = "\n    ".join(body.splitlines())
    return f"def f({inputs}):\n    {lines}\n    return y"


# ------------------------------------------------------------------------------ 1: a definition


def test_default_number_reads_as_that_constant_when_absent(load, value):
    text = f("y[n] = x[n]*w[n]", "x: Real[N], w: Real[N] = 3")
    assert value(text, x=[1.0, 2.0], choices={"w": None}) == [3.0, 6.0]
    assert [t.name for t in load(text, {"w": None}).inputs] == ["x"]


def test_none_default_makes_presence_structural(value):
    text = f("if w is None:\n    y[n] = x[n]\nelse:\n    y[n] = x[n]*w[n]", "x: Real[N], w: Real[N] = None")
    assert value(text, x=[1.0, 2.0], choices={"w": None}) == [1.0, 2.0]
    assert value(text, x=[1.0, 2.0], w=[5.0, 5.0]) == [5.0, 10.0]


def test_one_number_fills_a_vector_hyperparameter(load):
    text = f("y[n] = x[n]*s[0] + s[1]", "x: Real[N], *, s: Int[2] = 3")
    assert load(text).parameters[0].default == (3, 3)
    assert load(text, {"s": 2}).parameters[0].value == (2, 2)


def test_default_may_name_an_earlier_hyperparameter(load, value):
    text = f("y[n] = x[n]*b", "x: Real[N], *, a: Int, b: Int = a")
    assert value(text, x=[1.0], hypers={"a": 4}) == [4.0]
    assert str(load(text).parameters[1].default) == "a"


def test_unused_choices_stay_symbols_and_structural_ones_do_not(load):
    text = f("if k > 1:\n    y[n] = s*x[n]\nelse:\n    y[n] = x[n]", "x: Real[N], *, k: Int = 2, s: Real = 0.5")
    k, s = load(text).parameters
    assert (k.value, k.structural) == (2, True) and (s.value, s.structural) == (None, False)


def test_literals_are_exact(load):
    (statement,) = load(f("y[n] = 0.1*x[n]")).statements
    assert str(statement.pieces[0].rhs.args[0]) == "1/10"


def test_composite_is_row_major(value):
    assert value(f("y[[g, c]] = x[g, c]", "x: Real[G, C]"), x=[[1, 2], [3, 4]]) == [1, 2, 3, 4]


def test_unit_part_of_a_composite_is_dropped(load):
    text = f("y[[g, c]] = x[[g, c]]", "x: Real[[groups, C]], *, groups: Int = 1")
    assert load(text).inputs[0].axes == ((Part(Size("C")),),)
    assert len(load(text, {"groups": 2}).inputs[0].parts) == 2


def test_pack_stands_for_any_axes(value):
    text = f("y[*a, k, *b] = x[*a, k, *b]", "x: Real[*A, K, *B], *, dim: Int = 1")
    text = text.replace("    y[", "    assert len(A) == dim\n    y[", 1)
    x = np.arange(8.0).reshape(2, 2, 2)
    assert value(text, x=x) == x.tolist()
    assert value(text, x=x[0], choices={"dim": 0}) == x[0].tolist()


def test_pack_may_be_bound(value):
    text = f("y[c] = mean[n, ...](x[n, c, ...])", "x: Real[N, C, ...]")
    assert value(text, x=np.arange(8.0).reshape(2, 2, 2)) == [2.5, 4.5]


def test_equations_are_a_set(value):
    assert value(f("y[n] = a[n] + 1\na[n] = 2*x[n]"), x=[1.0, 2.0]) == [3.0, 5.0]


def test_size_equation_and_scalar_tensor(load):
    program = load(f("M = 2*N\nc = 1/sqrt(N)\ny: Real[M]\ny[m] = c*x[0]"))
    assert [str(s) for s, _ in program.sizes] == ["M"]
    assert [s.name for s in program.statements] == ["c", "y"]


def test_update_is_outside_the_outputs(load):
    text = "def f(x: Real[N], m: Const[N] = 0):\n    a[n] = m[n] + x[n]\n    y[n] = x[n]\n    return y, update(m=a)"
    program = load(text)
    assert program.outputs == ("y",) and program.updates == (("m", "a"),)


def test_calls_on_tensors_and_on_scalars_agree(value):
    whole, scalar = f("y = silu(x)"), f("y[n] = silu(x[n])")
    assert value(whole, x=X) == pytest.approx(value(scalar, x=X), abs=1e-15)


def test_same_file_comes_before_the_catalogue(value):
    text = "def softmax(x: Real[...]):\n    y[...] = 7\n    return y\n" + f("y = softmax(x)")
    assert value(text, x=X) == [7.0] * 5


# ------------------------------------------------------------------------------ 2: reductions


def test_fresh_name_binds_anything_else_filters(value):
    assert value(f("y = sum[i, x[i] > 2](x[i])"), x=X) == 12
    assert value(f("y = sum[1 <= i < 3](x[i])"), x=X) == 5
    assert value(f("y = sum[3 > i >= 1](x[i])"), x=X) == 5
    assert value(f("y = sum[i <= 1](x[i])"), x=X) == 3


def test_filters_guard_the_later_ones_and_the_body(value):
    text = f("y = sum[i, t[i] >= 0, x[t[i]] > 1](x[t[i]])", "x: Real[N], t: Index[M]")
    assert value(text, x=X, t=[-9, 1, 4]) == 7


def test_siblings_may_reuse_a_letter(value):
    assert value(f("y = sum[i](x[i]) + max[i](x[i])"), x=X) == 20


def test_scatter_is_a_filter(value):
    text = f("y: Real[V, D]\ny[v, d] = sum[n, token[n] == v](dy[n, d])", "token: Index[N], dy: Real[N, D], w: Real[V]")
    assert value(text, token=[1, 1], dy=[[1.0], [2.0]], w=[0.0, 0, 0]) == [[0], [3], [0]]


def test_bare_axes_must_agree_exactly(value):
    with pytest.raises(DefinitionError, match="runs over N and over M"):
        value(f("y[n] = x[n] + z[n]", "x: Real[N], z: Real[M]"), x=X, z=X)


def test_stated_range_wins_and_must_fit(value):
    assert value(f("y = sum[i < 2](x[i])"), x=X) == 3
    with pytest.raises(DefinitionError, match="runs up to N \\+ 1"):
        value(f("y = sum[i < N + 1](x[i])"), x=X)
    with pytest.raises(InputError, match="requires"):
        value(f("y = sum[i < 9](x[i])"), x=X)


def test_range_filter_goes_to_the_innermost_reduction_that_binds_a_letter(load):
    text = f("y: Real[N]\ny[n] = sum[i < 3](2 + sum[j < 2](x[n + i + j]))")
    outer = next(
        e for e in walk(load(text).statements[0].pieces[0].rhs) if isinstance(e, Reduce) and len(e.letters) == 1
    )
    assert outer.filters == () and isinstance(outer.body, object)
    inner = next(e for e in walk(outer.body) if isinstance(e, Reduce))
    assert len(inner.filters) == 2


def test_mean_counts_only_points_in_range(value):
    assert value(f("y: Real[N]\ny[n] = mean[i < 3](x[n + i - 1])"), x=X) == [1.5, 2, 3, 4, 4.5]


def test_max_runs_over_exactly_the_points_in_range(value):
    assert value(f("y: Real[N]\ny[n] = max[i < 3](x[n + i - 1])"), x=[-1.0, -2.0, -3.0]) == [-1, -1, -2]


def test_bare_letters_and_data_are_never_masked(load):
    (statement,) = load(f("y[m] = sum[i](x[i]*w[t[m]])", "x: Real[N], w: Real[V], t: Index[M]")).statements
    assert not any(isinstance(e, Compare) for e in walk(statement.pieces[0].rhs))


def test_a_read_cancelled_by_algebra_still_restricts_the_range(value):
    """SymPy deletes x/x and x**0; the filter was written first."""
    assert value(f("y: Real[N]\ny[n] = sum[i < 3](x[n + i - 1]/x[n + i - 1])"), x=X) == [2, 3, 3, 3, 2]
    assert value(f("y: Real[N]\ny[n] = sum[i < 3](x[n + i - 1]**0)"), x=X) == [2, 3, 3, 3, 2]


def test_range_that_always_holds_leaves_no_filter(load):
    text = f("P = N//2\ny[p] = max[i < 2](x[2*p + i])").replace("    y[p]", "    y: Real[P]\n    y[p]")
    assert not any(isinstance(e, Compare) for e in walk(load(text).statements[0].pieces[0].rhs))


EMPTY = {"sum": 0, "prod": 1, "max": -math.inf, "min": math.inf, "amax": -math.inf, "argmax": -1, "argmin": -1}


@pytest.mark.parametrize("op", EMPTY)
def test_empty_reduction(op: str, value):
    assert value(f(f"y = {op}[i, x[i] > 9](x[i])"), x=X) == EMPTY[op]


def test_empty_mean_count_any_all(value):
    assert math.isnan(value(f("y = mean[i, x[i] > 9](x[i])"), x=X))
    assert value(f("y = count[i, x[i] > 9]()"), x=X) == 0
    assert value(f("y = any[i, x[i] > 9](x[i] > 0)"), x=X) is False
    assert value(f("y = all[i, x[i] > 9](x[i] < 0)"), x=X) is True


def test_argmax_takes_the_first_in_bracket_order(value):
    assert value(f("y = argmax[i, j](x[i, j])", "x: Real[N, M]"), x=[[1, 5], [5, 0]]) == 1
    assert value(f("y = argmax[j, i](x[i, j])", "x: Real[N, M]"), x=[[1, 5], [5, 0]]) == 1
    assert value(f("y = argmax[2 <= i < 5](x[i])"), x=[9, 9, 1, 3, 3]) == 1


def test_sorting_by_ranks(value):
    body = "r[i] = count[j, x[j] > x[i] or x[j] == x[i] and j < i]()\ny: Real[N]\ny[k] = sum[i, r[i] == k](x[i])"
    assert value(f(body), x=[3.0, 1.0, 2.0]) == [3, 2, 1]


# ------------------------------------------------------------------------------ 3: expressions


def test_letters_and_sizes_are_numbers(value):
    assert value(f("y[n] = x[n]*2**n + N"), x=[1.0, 1.0, 1.0]) == [4, 5, 7]


def test_where_reads_only_the_branch_chosen(value):
    text = f("y: Real[N]\ny[n] = where(n + 1 < N, x[n + 1], 0)")
    assert value(text, x=X) == [2, 3, 4, 5, 0]


def test_padded_is_where_in_range(load, value):
    text = f("y: Real[N]\ny[n] = padded(x[n - 1], 9)")
    assert value(text, x=[1.0, 2.0]) == [9, 1]
    assert isinstance(load(text).statements[0].pieces[0].rhs, Where)


def test_a_guard_inside_the_reduction_stops_the_mask(load):
    text = f("y: Real[N]\ny[n] = sum[i < 3](where(n + i < N, x[n + i], 1))")
    assert next(e for e in walk(load(text).statements[0].pieces[0].rhs) if isinstance(e, Reduce)).filters == ()


def test_conditions_of_the_left_side_and_filters_are_guards(value):
    assert value(f("y: Real[N]\ny[t, t > 0] = x[t - 1]\ny[t, t <= 0] = 9"), x=[1.0, 2.0]) == [9, 1]
    assert value(f("y: Real[N]\ny[t] = sum[j < 1, t > 0](x[t - 1])"), x=[1.0, 2.0]) == [0, 1]


def test_and_reads_left_to_right(value):
    assert value(f("y = count[i < N, i > 0 and x[i - 1] > 2]()"), x=X) == 2


def test_floored_division_and_remainder(value):
    assert value(f("y: Index[N]\ny[n] = (n - 3)//2"), x=X) == [-2, -1, -1, 0, 0]
    assert value(f("y: Index[N]\ny[n] = (n - 3) % 2"), x=X) == [1, 0, 1, 0, 1]


def test_square_root_of_a_square_has_no_foreign_absolute(load):
    (statement,) = load(f("y[n] = sqrt(x[n]**2)")).statements
    assert type(statement.pieces[0].rhs).__name__ == "abs"


def test_draw_is_an_input_with_a_distribution(load):
    text = f("y[n] = where(keep[n], x[n], 0)", "x: Real[N], keep: Bool[N] = bernoulli(1 - p), *, p: Real = 0.5")
    default = load(text).inputs[1].default
    assert default.distribution == "bernoulli" and str(default.arguments[0]) == "1 - p"


def test_kinds_are_inferred_to_a_fixpoint(load):
    body = (
        "m[t] = x[t] > 0\na[-1] = 0\na[t] = b[t - 1] + 1\nb[-1] = 0\nb[t] = where(m[t], a[t - 1], 0)\ny[t] = x[t]*a[t]"
    )
    kinds = {s.name: s.tensor.kind for s in load(f(body)).statements}
    assert kinds == {"m": "bool", "a": "index", "b": "index", "y": "real"}


# ------------------------------------------------------------------------------ 4: pieces and recurrences


def test_more_literal_parts_win(value):
    assert value(f("y: Real[N]\ny[n] = x[n]\ny[0] = 9"), x=X) == [9, 2, 3, 4, 5]


def test_concatenation_by_stated_letters(value):
    text = f("y[k < N] = x[k]\ny[N <= k < N + M] = z[k - N]", "x: Real[N], z: Real[M]")
    assert value(text, x=[1.0, 2.0], z=[3.0]) == [1, 2, 3]


def test_stack_by_literals(value):
    assert value(f("y[0, n] = x[n]\ny[1, n] = -x[n]"), x=[1.0, 2.0]) == [[1, 2], [-1, -2]]


def test_pieces_by_conditions_on_data(value):
    text = f("y[n, target[n] < c] = x[n, c]\ny[n, c <= target[n]] = -1", "x: Real[N, C], target: Index[N]")
    assert value(text, x=np.ones((2, 3)), target=[0, 1]) == [[-1, 1, 1], [-1, -1, 1]]


def test_composite_with_a_literal_part(value):
    text = f("z[[0, n]] = x[n]\nz[[1, n]] = 2*x[n]\ny[n] = z[[1, n]]")
    assert value(text, x=[1.0, 2.0]) == [2, 4]


def test_halo_is_stored_and_is_no_part_of_the_result(load, value):
    text = f("y[-1] = 10\ny[t] = y[t - 1] + x[t]")
    assert load(text).statements[0].tensor.axes == ((Part(Size("N"), 0, 1),),)
    assert value(text, x=[1.0, 2.0]) == [11, 13]


def test_base_at_zero(load, value):
    text = f("y[0] = x[0]\ny[t] = y[t - 1]*x[t]")
    assert value(text, x=[1.0, 2.0, 3.0]) == [1, 2, 6]
    assert load(text).statements[0].pieces[1].binds[0].lo == 1


def test_recurrence_backwards(value):
    assert value(f("y[N - 1] = x[N - 1]\ny[t < N - 1] = y[t + 1] + x[t]"), x=[1.0, 2.0, 3.0]) == [6, 5, 3]


def test_recurrence_over_the_whole_past(value):
    assert value(f("y[t] = x[t] + sum[s, s < t](y[s])"), x=[1.0, 1.0, 1.0]) == [1, 2, 4]
    assert value(f("y[t] = x[t] + sum[s < t](y[s])"), x=[1.0, 1.0, 1.0]) == [1, 2, 4]


def test_any_lag(value):
    assert value(f("y[0] = 1\ny[1] = 1\ny[t] = y[t - 1] + y[t - 2] + 0*x[t]"), x=[0.0] * 6) == [1, 1, 2, 3, 5, 8]


def test_coupled_equations_are_adjacent(load):
    body = "a[-1] = 0\nb[-1] = 1\nu[t] = 2*x[t]\na[t] = b[t - 1] + u[t]\nb[t] = a[t]*2\ny[t] = a[t] + b[t]"
    assert [s.name for s in load(f(body)).statements] == ["u", "b", "a", "y"] or [
        s.name for s in load(f(body)).statements
    ] == ["u", "a", "b", "y"]


def test_long_recurrence(value):
    assert value(f("y[-1] = 0\ny[t] = y[t - 1] + x[t]"), x=[1.0] * 3000)[-1] == 3000


# ------------------------------------------------------------------------------ 5: static control


LOOP = """def f(x: Real[N, I], w: Real[I, I][layers], *, layers: Int = 2):
    z = x
    for i in range(layers):
        h[n, k] = sum[j](w[i][k, j]*z[n, j])
        z = h
    return z"""


def test_values_pass_between_turns_by_bare_assignment(load, value):
    two = [[2.0, 0], [0, 2]]
    assert value(LOOP, x=[[1.0, 1]], w_0=two, w_1=two) == [[4, 4]]
    assert [t.name for t in load(LOOP, {"layers": 3}).inputs] == ["x", "w_0", "w_1", "w_2"]


def test_no_turns(value):
    assert value(LOOP, x=[[1.0, 2]], choices={"layers": 0}) == [[1, 2]]


def test_rows_of_a_declared_tensor_by_turns(value):
    body = "y: Real[3, N]\nfor i in range(3):\n    y[i, n] = i*x[n]"
    assert value(f(body), x=[1.0, 2.0]) == [[0, 0], [1, 2], [2, 4]]


def test_return_inside_a_static_if(load):
    body = "if k:\n    y[n] = x[n]\n    return y\ny[n] = 2*x[n]"
    text = f(body, "x: Real[N], *, k: Bool = True")
    assert isinstance(load(text).statements[0].pieces[0].rhs, Read)
    assert not isinstance(load(text, {"k": False}).statements[0].pieces[0].rhs, Read)


def test_choice_between_integer_sizes(load):
    program = load(f("M = N - 1 if N > 3 else N\ny: Real[M]\ny[m] = 1 + 0*x[0]"))
    assert isinstance(program.sizes[0][1], Where)


def test_assert_on_sizes_is_asked_of_the_inputs(value):
    text = f("assert N == 2\ny[n] = x[n]")
    assert value(text, x=[1.0, 2.0]) == [1, 2]
    with pytest.raises(InputError):
        value(text, x=X)


# ------------------------------------------------------------------------------ 8: traps


def test_part_by_part_range_at_the_end_of_a_group(value):
    """``[g, c + 1]`` is out of range at the end of a group, not the next group's first entry."""
    text = f("y: Real[2]\ny[g] = sum[c < C](padded(x[[g, c + 1]], 100))", "x: Real[[2, C]]")
    assert value(text, x=[1.0, 2, 3, 4]) == [102, 104]


def test_filters_keep_their_order(load):
    text = f("y = sum[n, t[n] >= 0, x[t[n]] > 0](1)", "x: Real[N], t: Index[M]")
    (reduction,) = [e for e in walk(load(text).statements[0].pieces[0].rhs) if isinstance(e, Reduce)]
    assert isinstance(reduction.entries[0], Bind) and "x" not in str(reduction.entries[1])
