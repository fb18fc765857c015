"""The lowering tables: full, in order, every row used."""

import numpy as np
import pytest

import derive.program as language
from derive.calculus import adjoint
from derive.lower import lower, reductions, statements, vectorise
from derive.lower.plan import bodies_of, nodes_of
from derive.program import REDUCTIONS, Node
from derive.targets import to_numpy, to_torch
from derive.verify.inputs import make
from tests.lower.programs import TEXTS, program
from tests.lower.running import errors


@pytest.mark.parametrize("title", TEXTS)
def test_each_construct_equals_the_interpreter(title):
    for p in (
        program(title),
        *([adjoint(program(title))] if title not in ("sliding place", "count", "winner") else []),
    ):
        for kind in ("plain", "asymmetric", "ties", "ones", "empty"):
            case = make(p, kind)
            if case is not None:
                worst = {k: e for k, e in errors(p, case.inputs, case.hypers).items() if not e < 1e-12}
                assert not worst, (p.name, kind, worst)


#: (table, row) -> a program in which that row is the one that applies.
ROWS = {
    "a Python number": "number",
    "one array expression": "elementwise",
    "slices assigned one by one": "pieces",
    "a sum of products, term by term": "terms",
    "everything up to a point": "triangle",
    "a running product's adjoint": "chain",
    "everything but a point": "all but one",
    "windows spread back": "spread",
    "a scatter": "scatter",
    "a correlation": "correlation",
    "a window reduced, tap by tap": "sliding",
    "the first winner of a window": "sliding place",
    "a value counted": "counted",
    "a matrix product": "matrix product",
    "a count or a truth": "count",
    "the place of the winner": "winner",
    "an array reduced over its axes": "row",
}
TABLES = (statements, reductions)


def test_every_row_has_a_program():
    assert set(ROWS) == {title for table in TABLES for title, _ in table.RULES}


@pytest.mark.parametrize("row", ROWS)
def test_every_row_fires(row, monkeypatch):
    fired = []
    for table in TABLES:
        wrapped = tuple((title, _noting(title, rule, fired)) for title, rule in table.RULES)
        monkeypatch.setattr(table, "RULES", wrapped)
    lower(program(ROWS[row]))
    assert row in fired


def _noting(title, rule, fired):
    def noted(*args):
        result = rule(*args)
        if result is not None:
            fired.append(title)
        return result

    return noted


def test_every_node_of_the_language_has_a_row():
    nodes = {c for c in vars(language).values() if isinstance(c, type) and issubclass(c, Node) and c is not Node}
    handled = {kind for kind, _ in vectorise.RULES}
    elsewhere = {language.Bind, language.Truth}  # inside reductions; a number
    assert nodes - elsewhere <= handled


@pytest.mark.parametrize("op", REDUCTIONS)
def test_the_last_rows_apply_to_every_reduction(op):
    body = "x[n, k] > 0" if op in ("any", "all") else "x[n, k]"
    said = "" if op == "count" else body
    kind = {"count": "Index", "argmax": "Index", "argmin": "Index", "any": "Bool", "all": "Bool"}.get(op, "Real")
    text = f"@layer\ndef f(x: Real[N, K]):\n    y: {kind}[N]\n    y[n] = {op}[k, x[n, k] < 1]({said})\n    return y"
    import derive

    p = derive.load(text)
    for kind in ("plain", "ties", "empty"):
        case = make(p, kind)
        assert case is None or all(e < 1e-12 for e in errors(p, case.inputs).values())


def operations(plan):
    def through(steps):
        for step in steps:
            for node in nodes_of(step):
                yield from below(node)
            for body in bodies_of(step):
                yield from through(body)

    def below(node):
        yield node.op
        for a in node.args:
            yield from below(a)

    return {op for block in plan.blocks for op in through(block.steps)}


@pytest.mark.parametrize("target", [to_numpy, to_torch], ids=["numpy", "torch"])
def test_every_operation_met_has_a_printer(target):
    met = {op for title in TEXTS for op in operations(lower(program(title)))}
    assert met <= set(target.OPERATIONS)


def test_the_targets_know_the_same_operations():
    assert set(to_numpy.OPERATIONS) == set(to_torch.OPERATIONS)


def test_a_planted_fault_is_seen(monkeypatch):
    monkeypatch.setitem(to_numpy.OPERATIONS, "sub", to_numpy.OPERATIONS["add"])
    p = program("elementwise")
    case = make(p, "plain")
    assert errors(p, case.inputs)["numpy", "y"] > 1e-3


def test_no_zero_times_infinity():
    import derive

    p = derive.load("@layer\ndef f(x: Real[N, K]):\n    y[n] = sum[k, x[n, k] > 0](log(x[n, k])*x[n, k])\n    return y")
    x = np.array([[0.0, 1.0, 2.0], [0.0, 0.0, 0.0]])
    assert all(e < 1e-12 for e in errors(p, {"x": x}).values())
