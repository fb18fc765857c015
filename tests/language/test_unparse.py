"""Text of a program parses back to that program: over the catalogue, its adjoints, and the adjoints of those."""

from __future__ import annotations

import ast
import contextlib
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from sympy import Integer, Rational, pi, sqrt

import derive
from derive.calculus import adjoint
from derive.errors import DefinitionError, DeriveError, InputError
from derive.functions import FUNCTIONS
from derive.interpreter import run
from derive.language import catalogue_index
from derive.language.notation import expression_text
from derive.language.unparse import to_text
from derive.program import (
    INF,
    REDUCTIONS,
    Bind,
    Compare,
    Draw,
    FloorDiv,
    Hyper,
    Law,
    Letter,
    Logic,
    Modulo,
    Parameter,
    Part,
    Piece,
    Program,
    Read,
    Reduce,
    Size,
    Statement,
    Stop,
    Tensor,
    Truth,
    Where,
    bound_letters,
    piece_expressions,
    substitute,
)

#: What a definition cannot be loaded without.
CHOICES = {
    "group_norm": {"num_groups": 2},
    "pixel_shuffle": {"upscale_factor": 2},
    "adaptive_avg_pool2d": {"output_size": 2},
    "spread_axis": {"axis": 1},
}
NAMES = tuple(catalogue_index())
k, n = Letter("k"), Letter("n")
K, N = Size("K"), Size("N")


def same(a: Program, b: Program) -> bool:
    """Equal up to the names of bound letters."""
    return canonical(a) == canonical(b)


def canonical(program: Program) -> Program:
    """Letters called by the order in which each piece binds them."""

    def piece(p: Piece) -> Piece:
        letters = dict.fromkeys(x for e in piece_expressions(p) for x in bound_letters(e))
        names = {letter: Letter(f"i{i}") for i, letter in enumerate(letters)}
        entries = tuple(substitute(e, names) for e in p.entries)
        return Piece(tuple(substitute(i, names) for i in p.indices), entries, substitute(p.rhs, names))

    statements = tuple(replace(s, pieces=tuple(map(piece, s.pieces))) for s in program.statements)
    return replace(program, statements=statements)


#: A program of more statements, derived twice without simplifying, is a longer text than a text may be.
LONG = 50


@pytest.mark.parametrize("name", NAMES)
def test_the_catalogue_and_its_adjoints_come_back(name):
    program = derive.load(name, **CHOICES.get(name, {}))
    twice = (adjoint(adjoint(program)),) if len(program.statements) < LONG else ()
    for derived in (program, derive.vjp(program), *twice):
        text = to_text(derived)
        again = derive.load(text)
        assert same(again, derived)
        assert to_text(again) == text


@pytest.mark.parametrize("name", NAMES)
def test_tangents_come_back(name):
    program = derive.jvp(derive.load(name, **CHOICES.get(name, {})))
    assert same(derive.load(to_text(program)), program)


def test_filters_are_not_inferred_again():
    """The adjoint of a convolution has guards of its own: read as a definition they would be doubled."""
    program = derive.vjp(derive.load("conv1d", stride=2, bias=None))
    again = derive.load(to_text(program))
    rng = np.random.default_rng(0)
    inputs = {"x": rng.normal(size=(1, 2, 6)), "weight": rng.normal(size=(3, 2, 2)), "dy": rng.normal(size=(1, 3, 3))}
    first, second = run(program, inputs), run(again, inputs)
    assert list(first) == list(second) and all(np.array_equal(first[o], second[o]) for o in first)


def test_an_unmarked_text_is_seen():
    """Planted: without the marker the text is read as a definition, and is another program or none."""
    program = derive.vjp(derive.load("conv1d", stride=2, bias=None))
    text = to_text(program).replace("@derived('vjp')", "@layer")
    with contextlib.suppress(DeriveError):
        assert not same(derive.load(text), program)


# ------------------------------------------------------------------------------ every node


def comes_back(rhs, **more) -> None:
    x, i = Tensor("x", ((Part(N),), (Part(K),))), Tensor("i", ((Part(N),),), "index")
    y = Tensor("y", ((Part(N),), (Part(K),)), more.pop("kind", "real"))
    piece = Piece((n, k), (Bind(n, 0, N), Bind(k, 0, K)), rhs)
    parameters = (Parameter("p", "Real", 0, Rational(1, 2)), Parameter("stride", "Int", 2, Integer(1)))
    program = Program("f", (x, i), (Statement(y, (piece,)),), ("y",), parameters, **more)
    assert derive.load(to_text(program)) == program


X, J = Read("x", n, k), Letter("j")
P, S = Hyper("p"), Hyper("stride[1]", True)
IN_RANGE = (Compare("<=", 0, J - n), Compare("<", J - n, K))
EXPRESSIONS = [
    Integer(-3), Rational(-2, 3), INF, -INF, pi, n + 0 * k, N, P * X, S * X, X**2, 1 / X, X ** Rational(-3, 2),
    sqrt(X) / 2, 2 * (X + 1) * (X - 1), -(X + P) * X, X / (X + 1) / (P - 2), (X + 1) ** (-n), (-X) ** 3, -(X**2),
    FUNCTIONS["exp"].cls(-X), FUNCTIONS["exp"].cls(1), 1 / (2 * sqrt(pi)), P**n, (X**P) ** X,
    FloorDiv(n - 3 * k, 2) * X, Modulo(-n, S) + X, Stop(X) * X, X - 2 * Modulo(n, 2) - FloorDiv(2 * n, K),
    Where(Compare("==", n, k), X, Integer(0)), Where(Truth(True), X, INF),
    Where(Logic("and", Compare("<", n, k), Logic("or", Compare("!=", n, 0), Truth(False))), X, -X),
    Where(Logic("not", Logic("and", Compare("<=", X, 0), Compare("<", n, k))), X, -X),
    Reduce("sum", [Bind(J, 0, K)], Read("x", n, J) * X),
    Reduce("max", [Bind(J, 1, K - 1), *IN_RANGE], Read("x", n, J - n)),
    Reduce("count", [Bind(J, n, K), Compare("==", Read("i", n), J)], Integer(1)),
    Reduce("count", [Bind(J, 0, N), Compare("<", 0, J), Compare("<", J, n)], Integer(1)),
    Reduce("sum", [Bind(J, 0, K), Bind(Letter("l"), 0, J)], Read("x", Read("i", n), Letter("l"))),
    Reduce("any", [Bind(J, 0, K)], Compare("<", Read("x", n, J), X)),
]  # fmt: skip


@pytest.mark.parametrize("rhs", EXPRESSIONS, ids=expression_text)
def test_expressions_come_back(rhs):
    comes_back(rhs)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_functions_come_back(name):
    arguments = [X, P + n, X * 2][: FUNCTIONS[name].arity]
    comes_back(FUNCTIONS[name].cls(*arguments))


@pytest.mark.parametrize("op", REDUCTIONS)
def test_reductions_come_back(op):
    body = Compare("<", 0, Read("x", n, J)) if op in ("any", "all") else Read("x", n, J)
    comes_back(Reduce(op, [Bind(J, 0, K)], body))


def test_conditions_and_kinds_come_back():
    comes_back(Logic("and", Compare("<", X, 1), Compare("<=", n, k)), kind="bool")
    comes_back(Reduce("argmax", [Bind(J, 0, K)], Read("x", n, J)), kind="index")


# ------------------------------------------------------------------------------ every record


def test_whole_records_come_back():
    """Halo, origin, packs, pieces out of order, zero elsewhere, families, defaults, updates, laws, fixed choices."""
    pack, other, spread, t, T = Letter("..."), Letter("*a_1"), Size("..."), Letter("t"), Size("T")
    inputs = (
        Tensor("x", ((Part(spread),), (Part(T, origin=1),))),
        Tensor("bias", ((Part(N), Part(Size("*A"))),), default=Integer(0), optional=True),
        Tensor("keep", ((Part(N),),), "bool", Draw("bernoulli", (1 - Hyper("p"),))),
        Tensor("dy", ((Part(N + 1),),)),
        Tensor("w[0]", ((Part(K),),)),
        Tensor("w[1]", ((Part(K),),), "const", default=Rational(1, 3)),
    )
    h = Tensor("h", ((Part(spread),), (Part(T, origin=1, below=2),)))
    z = Tensor("z", ((Part(N), Part(K)),))
    s = Tensor("s")
    total = Reduce(
        "sum",
        [Bind(other, 0, spread), Compare("!=", other, pack), Bind(k, 0, K)],
        Read("h", other, 0) * Read("w[0]", k),
    )
    statements = (
        Statement(h, (
            Piece((pack, Integer(-1)), (Bind(pack, 0, spread),), Integer(0)),
            Piece((pack, t), (Bind(t, 0, T), Bind(pack, 0, spread), Compare("<=", 0, t), Compare("<", t, 2)), total),
            Piece((pack, t), (Bind(pack, 0, spread), Bind(t, 1, T + 1)), Read("h", pack, t - 1) + Read("x", pack, t)),
        )),
        Statement(z, (Piece((n, n), (Bind(n, 0, N), Compare("<", n, K)), Read("w[1]", n)),), zero_elsewhere=True),
        Statement(s, (Piece((), (Compare("<", 0, K),), Integer(1)), Piece((), (), Read("dy", 0)))),
    )  # fmt: skip
    parameters = (
        Parameter("p", "Real", default=Rational(1, 10)),
        Parameter("stride", "Int", 2, default=(Integer(1), Integer(-2))),
        Parameter("mode", "Text", default="sum", allowed=("sum", "mean"), structural=True, value="mean"),
        Parameter("flag", "Bool", default=False, structural=True, value=True),
        Parameter("lr", required=True),
    )
    program = Program(
        "everything_there_is_and_a_name_that_is_long", inputs, statements, ("h", "s"), parameters,
        sizes=((Size("M"), FloorDiv(N + 1, 2)),), updates=(("running", "z"),), requirements=(Compare("<=", 1, K),),
        role="loss", doc="Two\n\n    lines.", derived="jvp",
        laws=(Law(Reduce("sum", [Bind(k, 0, K)], Read("z", n, k)), Integer(1)), Law(Read("h", pack, t), Read("s"))),
    )  # fmt: skip
    text = to_text(program)
    assert derive.load(text) == program
    assert len(ast.parse(text).body[0].name) <= 32


def test_letters_called_like_tensors_step_aside():
    x, f = Tensor("x", ((Part(N),),)), Tensor("f")
    letter = Letter("f")
    total = Reduce("sum", [Bind(letter, 0, N)], Read("x", letter) * Read("f"))
    program = Program("g", (x, f), (Statement(Tensor("y"), (Piece((), (), total),)),), ("y",))
    again = derive.load(to_text(program))
    assert same(again, program) and "sum[f_1 < N](" in to_text(program)


def test_numbers_are_put_in_for_hyperparameters():
    program = derive.load("conv2d", bias=None)
    chosen = derive.load(to_text(program), stride=3, padding=1)
    rng = np.random.default_rng(0)
    inputs = {"x": rng.normal(size=(1, 1, 7, 6)), "weight": rng.normal(size=(1, 1, 2, 2))}
    expected = run(program, inputs, {"stride": 3, "padding": 1})["y"]
    assert np.array_equal(run(chosen, inputs)["y"], expected)
    with pytest.raises(InputError, match="stride"):
        derive.load(to_text(program), stride=1.5)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("y[n] = z[n]", "z is not known"),
        ("y[n, k] = x[n]", "k is not known"),
        ("y = x[0]", "y has 1 indices"),
        ("y[n] = frob(x[n])", "frob is not a function"),
        ("q[n] = x[n]", "q has an equation but no declaration"),
        ("y[n] = mean[k < N](x[k])", "mean is not a reduction"),
        ("y[n] = where(x[n])", "where is not a function of that many"),
        ("y[n] = 'a'", "this literal does not belong here"),
        ("y[n] = x[n] | x[n]", "operator"),
    ],
)
def test_spoilt_texts_are_errors_with_a_place(line, message):
    text = f"@derived\ndef f(x: Real[N]):\n    y: Real[N]\n    {line}\n    return y\n"
    with pytest.raises(DefinitionError, match=message) as error:
        derive.load(text)
    assert error.value.place is not None and error.value.place.line == 4


def test_text_does_not_depend_on_the_hash_seed():
    code = (
        "import derive; from derive.language.unparse import to_text; print(to_text(derive.vjp(derive.load('conv1d'))))"
    )
    texts = {
        subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, env=env, text=True).stdout
        for env in ({"PYTHONHASHSEED": seed, "PYTHONPATH": ".", "PATH": ""} for seed in ("1", "2"))
    }
    assert len(texts) == 1
