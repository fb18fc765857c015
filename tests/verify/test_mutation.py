"""Each operator's mutants die, equivalent ones are shown to be so, and a weakened checker is found out."""

import pickle
from fractions import Fraction
from functools import lru_cache
from itertools import islice

import jsonschema
import pytest

import derive
from derive.errors import DeriveError
from derive.reports import mutations
from derive.verify import ladder
from derive.verify.mutation import mutate, mutate_all
from derive.verify.mutation.doubt import DECIDED, Doubtful
from derive.verify.mutation.equivalence import shown
from derive.verify.mutation.operators import ANYWHERE, BACKWARD, BREACHES, NAMES, TOGETHER, UPDATES, edits
from derive.verify.mutation.records import KILLED, SURVIVED, UNSOUND, Report
from derive.verify.mutation.running import Bench
from derive.verify.mutation.side_by_side import _attempted
from derive.verify.mutation.sweep import Sweep
from derive.verify.subject import subjects
from derive.verify.verdict import FAILED, Row

#: An entry with a place for each operator, where that is not so of the first.
PLACES = {
    **dict.fromkeys(NAMES, "conv1d"),
    **dict.fromkeys(BREACHES, "layer_norm"),
    **dict.fromkeys(UPDATES, "adam"),
    "dropped term": "layer_norm",
    "dropped factor": "layer_norm",
    "eps inside or outside the root": "layer_norm",
    "wrong count": "layer_norm",
    "height for width": "avg_pool2d",
    "running maximum": "adam",
    "first step damped": "sgd",
    "wrong saved value": "rnn",
    TOGETHER: "layer_norm",
}
#: Two equations and a sum: what an operator does can be read off.
DECAY = """
@optimizer
def decayed(theta: Real[...], grad: Real[...], *, lr: Real = 0.1, weight_decay: Real = 0.2):
    m[t, ...] = 0.9*m[t - 1, ...] + grad[t, ...]
    theta[t, ...] = (1 - lr*weight_decay)*theta[t - 1, ...] - lr*m[t, ...]
"""
SQUARES = """
@layer
def squares(x: Real[N, K, K]):
    y[n] = sum[i, j](x[n, i, j]**2)
    return y
"""


@lru_cache
def _sweep(name: str) -> Sweep:
    """One sweep for all operators of an entry, in its first settings: an original is checked once."""
    return Sweep(tuple(Bench(s) for s in islice(subjects(name), 3)), seed=0, limit=1)


@pytest.mark.parametrize("operator", NAMES)
def test_mutants_of_every_operator_die(operator):
    name = DECAY if operator == "decay order" else PLACES[operator]
    report = Report(name, tuple(_sweep(name).of(operator)))
    assert report.of(KILLED) and not report.survivors and report.exit_code == 0, report.findings
    assert report.kill_rate == 1.0


@pytest.mark.parametrize("operator", NAMES)
def test_an_operator_says_what_it_rewrites(operator):
    functions = {**BACKWARD, **UPDATES, **BREACHES, TOGETHER: mutate}
    function = getattr(functions[operator], "func", functions[operator])
    assert function.__doc__ and "," not in operator


def test_the_table_of_places_is_full():
    assert set(PLACES) == set(NAMES) and set(ANYWHERE) < set(BACKWARD)


def test_a_change_that_changes_nothing_is_shown_to_be_equivalent():
    """Softmax may subtract any number before exp; a sum may run backwards; a square's axes may change places."""
    for name, operator, statement in (
        ("softmax", "sign flip", "m"),
        ("linear", "kernel flip", "dbias"),
        (SQUARES, TOGETHER, "y"),
    ):
        (first, *_) = subjects(name)
        report = Report(name, tuple(Sweep((Bench(first),), seed=0, limit=None).of(operator)))
        found = [f for f in report.of("equivalent") if f.statement == statement]
        assert found and all("equal" in f.proof or "same program" in f.proof for f in found), (name, operator)
        assert not report.survivors


def test_what_is_wrong_at_other_sizes_only_is_not_equivalent():
    """Right at every size that the kinds have, wrong at K = 6: larger sizes are looked at."""
    (subject,) = subjects("@layer\ndef f(x: Real[K]):\n    y[k] = 3*x[k]\n    return y\n")
    wrong = derive.load("@layer\ndef f(x: Real[K]):\n    y[k] = where(k < 5, 3*x[k], x[k])\n    return y\n")
    bench = Bench(subject)
    assert all(max(case.sizes.values(), default=0) < 6 for case in bench.cases())
    evidence = shown(subject.program, wrong, bench)
    assert not evidence.same and "y[5] is" in evidence.proof


def test_a_comparison_of_what_rounding_left_decides_nothing():
    """The square root's fiftieth digit is on either side of 0: no proof of a difference, and none of equality."""
    a, b = DECIDED.number(3), DECIDED.number(3) + DECIDED.number(Fraction(1, 10**45))
    assert not DECIDED.less(a, a) and DECIDED.equal(a, a) and DECIDED.less(a, DECIDED.number(4))
    for compare in (DECIDED.less, DECIDED.equal, DECIDED.functions["max"]):
        with pytest.raises(Doubtful):
            compare(a, b)


def test_a_wrong_value_is_no_equivalence():
    """The proof itself can fail: every mutant that the ladder kills differs, and the difference is told."""
    (subject,) = subjects(SQUARES)
    bench = Bench(subject)
    for operator in ("sign flip", "loop bound", "scale 1+1e-4"):
        for edit in edits(BACKWARD[operator], subject.vjp, frozenset(subject.program.tensors)):
            evidence = shown(subject.vjp, edit.program, bench)
            assert not evidence.same and "not" in evidence.proof


def test_a_checker_without_gradients_lets_mutants_live():
    report = mutate("conv1d", limit=2, operators=("sign flip", "loop bound"), rungs=("forward",))
    assert len(report.survivors) == 4 and report.exit_code == 1 and report.kill_rate == 0.0
    table = mutations.to_table([report])
    assert table.splitlines()[1].startswith("sign flip") and "0%" in table and "it differs:" in table


def test_inputs_decide_as_much_as_the_method():
    """On plain inputs alone (stride 1, dilation 1) a stride read as dilation lives."""
    operators = ("stride for dilation",)
    assert mutate("conv1d", operators=operators, kinds=("plain",)).survivors
    assert not mutate("conv1d", operators=operators).survivors


def test_an_original_that_fails_makes_every_kill_worthless(monkeypatch):
    def red(subject, case, options):
        yield Row("gradient", case.title(), FAILED, detail="always red")

    monkeypatch.setattr(ladder, "RUNGS", (("gradient", red),))
    report = mutate("relu", limit=1, operators=("sign flip",))
    assert report.of(UNSOUND) and not report.of(KILLED) and report.exit_code == 1
    assert "always red" in mutations.to_table([report])


def test_nothing_mutated_is_not_a_pass():
    report = mutate("relu", operators=("padding crop",))
    assert report.mutants == 0 and report.exit_code == 5 and report.kill_rate is None
    assert "nothing was mutated" in mutations.to_table([report])


def test_unknown_operators_and_targets_are_errors():
    with pytest.raises(DeriveError, match="no mutation operator"):
        mutate("relu", operators=("sing flip",))
    with pytest.raises(DeriveError):
        mutate("no_such_layer")


def test_a_seed_chooses_the_mutants():
    reports = [mutate("linear", seed=s, limit=2, operators=("sign flip", "loop bound")) for s in (0, 0, 1)]
    assert reports[0].findings == reports[1].findings != reports[2].findings


# ------------------------------------------------------------------------------ what is said

SCHEMA = {
    "type": "object",
    "required": ["schema", "passed", "kill_rate", "operators", "targets"],
    "properties": {
        "schema": {"const": mutations.SCHEMA},
        "passed": {"type": "boolean"},
        "kill_rate": {"type": ["number", "null"]},
        "operators": {"type": "array", "items": {"type": "object", "required": ["operator", "kill_rate", "killed"]}},
        "targets": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["target", "seed", "limit", "kill_rate", "killed", "survived", "findings"],
                "properties": {"findings": {"type": "array", "items": {"required": ["operator", "status"]}}},
            },
        },
    },
}


@pytest.fixture(scope="module")
def report() -> Report:
    return mutate("layer_norm", limit=1, operators=("sign flip", "padding crop", "wrong count", TOGETHER))


def test_the_table_fits_a_terminal(report):
    weak = mutate("conv1d", limit=2, operators=("loop bound",), rungs=("forward",))
    table = mutations.to_table([report, weak])
    assert max(map(len, table.splitlines())) <= 80
    assert [line.split("  ")[0] for line in table.splitlines()[1:3]] == ["loop bound", "sign flip"]


def test_a_survivor_among_many_is_not_rounded_away(report):
    findings = report.findings[:1] * 5000
    alive = Report("f", (*findings, *(type(f)(f.target, f.operator, SURVIVED) for f in findings[:1])))
    assert "99.9%" in mutations.to_table([alive]) and alive.exit_code == 1


def test_json_holds_every_mutant_and_counts_what_has_no_place(report):
    import json

    data = json.loads(mutations.to_json([report]))
    jsonschema.validate(data, SCHEMA)
    (target,) = data["targets"]
    assert target["not_applicable"] == len(report.of("not applicable")) > 0 and data["passed"]
    assert len(target["findings"]) == report.mutants


def test_processes_side_by_side_find_the_same_in_the_same_order():
    """Also that an error of the user's is handed over whole."""
    names, how = ["relu", SQUARES], {"operators": ("sign flip", "loop bound"), "limit": 1}
    told = []
    together = mutate_all(names, 2, told.append, **how)
    assert [r.findings for r in together] == [r.findings for r in mutate_all(names, 1, **how)]
    assert sorted(r.target for r in told) == ["relu", "squares"] and all(r.of(KILLED) for r in together)
    handed = pickle.loads(pickle.dumps(_attempted("rleu", how)))
    assert isinstance(handed, DeriveError) and "did you mean relu" in str(handed)
    with pytest.raises(DeriveError, match="did you mean relu"):
        mutate_all(["rleu"], 2, **how)
