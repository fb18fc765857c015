"""Elimination over the integers: what is solved, what stays, and that nothing is dropped."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest
from sympy import Expr, Integer

from derive.calculus import eliminate, fold, summation
from derive.calculus.affine import Ranges, polynomial
from derive.functions import absolute
from derive.interpreter import run
from derive.program import (
    Bind,
    Compare,
    FloorDiv,
    Fresh,
    Letter,
    Modulo,
    Part,
    Piece,
    Program,
    Read,
    Reduce,
    Size,
    Statement,
    Tensor,
    walk,
)

i, j, k, m, n, p, q = map(Letter, "ijkmnpq")
K, N, P = map(Size, "KNP")


def solved(entries, body, outer=None, left=()) -> Expr:
    found = eliminate(entries, body, Ranges(outer or {}, {"idx": None, "len": None}), left, (), Fresh("ijkmnpq"))
    return Integer(0) if found is None else summation(*found)


def bound(e: Expr) -> list[str]:
    return [x.letter.name for x in walk(e) if isinstance(x, Bind)]


def test_a_bare_letter_goes_without_a_trace() -> None:
    assert solved([Bind(i, 0, K), Compare("==", i, k)], Read("y", i), {k: (Integer(0), K)}) == Read("y", k)


def test_a_range_not_proved_stays_as_a_guard() -> None:
    found = solved([Bind(i, 0, N), Compare("==", i, k)], Read("y", i), {k: (Integer(0), K)})
    assert found.args[0] == Compare("<", k, N)


def test_the_output_position_is_solved_behind_a_divisibility_test() -> None:
    entries = [Bind(p, 0, P), Bind(i, 0, K), Compare("==", 2 * p + i, n)]
    found = solved(entries, Read("y", p) * Read("w", i), {n: (Integer(0), N)}, left=[p])
    assert bound(found) == ["i"]
    assert Compare("==", Modulo(n - i, 2), 0) in found.entries
    assert Read("y", FloorDiv(n - i, 2)) in list(walk(found))


def test_a_mixed_radix_is_taken_apart() -> None:
    entries = [Bind(p, 0, P), Bind(i, 0, K), Compare("==", p * K + i, n)]
    found = solved(entries, Read("y", p, i), {n: (Integer(0), P * K)})
    assert found == Read("y", FloorDiv(n, K), Modulo(n, K))


def test_a_quotient_leaves_a_remainder_letter() -> None:
    found = solved([Bind(p, 0, P), Compare("==", FloorDiv(p, 3), n)], Read("y", p), {n: (Integer(0), N)})
    assert bound(found) == ["r"]
    assert Compare("<", 3 * n + Letter("r"), P) in found.entries


def test_a_rotation_is_turned_back() -> None:
    found = solved([Bind(p, 0, N), Compare("==", Modulo(p - 3, N), n)], Read("y", p), {n: (Integer(0), N)})
    assert found == Read("y", Modulo(n + 3, N))


def test_kinks_and_data_stay_filters() -> None:
    for index in (absolute(p - 2), Read("idx", p), p + Read("idx", q), p * q):
        entries = [Bind(p, 0, P), Bind(q, 0, P), Compare("==", index, n)]
        found = solved(entries, Read("y", p, q), {n: (Integer(0), N)})
        assert any(Compare("==", index, n) == e for e in walk(found)), index


def test_an_empty_term_is_0() -> None:
    assert solved([Bind(i, 0, K), Compare("==", i, k)], Read("y", i), {k: (Integer(-1), Integer(0))}) == 0


def test_a_guard_stays_left_of_what_it_guards() -> None:
    guard, read = Compare("<", Read("len", n), 3), Compare("==", Read("idx", n, Read("len", n)), k)
    found = solved([Bind(n, 0, N), guard, read], Read("y", n), {k: (Integer(0), K)})
    assert [e for e in found.entries if not isinstance(e, Bind)] == [guard, read]


def test_data_that_is_only_safe_under_a_guard_is_not_solved_for() -> None:
    guard = Compare("<", Read("len", n), 3)
    entries = [Bind(j, 0, K), guard, Compare("==", Read("idx", Read("len", n)), j)]
    found = solved(entries, Read("y", j), {n: (Integer(0), N)})
    assert "j" in bound(found)


def test_fold_gathers_where_a_sum_picks_one_point() -> None:
    total = Reduce("sum", [Bind(j, 0, K), Compare("==", Read("t", n), j)], Read("f", j))
    assert fold(total) == total, "t may hold any number as far as is known"
    picked = fold(total, Ranges(data={"t": None}))
    inside = picked.args[0].conditions
    assert picked.args[1] == Read("f", Read("t", n))
    assert inside == (Compare("<=", 0, Read("t", n)), Compare("<", Read("t", n), K))


def test_fold_leaves_other_reductions_alone() -> None:
    other = Reduce("max", [Bind(j, 0, K), Compare("==", k, j)], Read("f", j))
    assert fold(other) is other


# ------------------------------------------------------------------------------ against plain enumeration

SIZES = {"K": 3, "N": 4, "P": 5}
INDEX_FORMS = (
    lambda c: c[0] * p + c[1] * i + c[2],
    lambda c: c[0] * p - i + c[2],
    lambda c: FloorDiv(p + c[2], abs(c[0]) + 1) + i,
    lambda c: Modulo(p + c[2], abs(c[0]) + 1),
    lambda c: FloorDiv(p, abs(c[0]) + 1) * c[1] + Modulo(p, abs(c[0]) + 1),
    lambda c: p * K + i,
    lambda c: Modulo(c[0] * p + i, N),
    lambda c: N - 1 - p,
)


def evaluated(rhs: Expr) -> np.ndarray:
    """out[n, k] = rhs for data y[p, i]."""
    target = Tensor("out", ((Part(Integer(7)),), (Part(Integer(3)),)))
    entries = (Bind(n, 0, 7), Bind(k, 0, 3))
    inputs = (Tensor("y", ((Part(P),), (Part(K),))), Tensor("z", ((Part(N),),)))
    program = Program("sum", inputs, (Statement(target, (Piece((n, k), entries, rhs),)),), ("out",))
    data = np.random.default_rng(0).normal(size=(SIZES["P"], SIZES["K"]))
    return run(program, {"y": data, "z": np.zeros(SIZES["N"])})["out"]


@pytest.mark.parametrize("seed", range(60))
def test_elimination_keeps_the_value(seed: int) -> None:
    """Any two equations over the letters p, i: the sum over all points is the sum over the solved ones."""
    generator = random.Random(seed)
    forms = generator.sample(INDEX_FORMS, 2)
    coefficients = [[generator.choice((-2, -1, 1, 2, 3)) for _ in range(3)] for _ in forms]
    first, second = (form(c) for form, c in zip(forms, coefficients, strict=True))
    entries = [Bind(p, 0, P), Bind(i, 0, K), Compare("==", first, n)]
    if seed % 3:
        entries.append(Compare("==", second, k))
    body = Read("y", p, i) * (p + 1)
    outer = {n: (Integer(0), Integer(7)), k: (Integer(0), Integer(3))}
    plain, fast = Reduce("sum", entries, body), solved(entries, body, outer, left=[p])
    np.testing.assert_allclose(evaluated(fast), evaluated(plain), atol=1e-12)


def test_ranges_prove_what_holds_and_nothing_else() -> None:
    """Every verdict is checked at every point of small ranges."""
    ranges = Ranges({i: (Integer(0), K), j: (Integer(-1), i + 1), n: (Integer(0), N * K)})
    expressions = [
        i,
        j,
        i - j,
        K - 1 - i,
        n,
        N * K - 1 - n,
        FloorDiv(n, K),
        N - 1 - FloorDiv(n, K),
        Modulo(n, K),
        i - 1,
    ]
    found = {e: ranges.nonnegative(polynomial(e)) for e in expressions}
    assert [e for e, proved in found.items() if not proved] == [j, i - 1]
    for size_k, size_n in itertools.product((1, 2, 3), repeat=2):
        for a, c in itertools.product(range(size_k), range(size_n * size_k)):
            for b in range(-1, a + 1):
                values = {K: size_k, N: size_n, i: a, j: b, n: c}
                assert all(e.xreplace({s: Integer(v) for s, v in values.items()}) >= 0 for e, ok in found.items() if ok)


def test_an_equality_of_real_numbers_is_not_solved() -> None:
    entries = [Bind(i, 0, K), Compare("==", Read("x", n), i)]
    assert bound(solved(entries, Read("y", i), {n: (Integer(0), N)})) == ["i"]
    half = [Bind(i, 0, K), Compare("==", i / 2, n)]
    assert bound(solved(half, Read("y", i), {n: (Integer(0), N)})) == ["i"]
