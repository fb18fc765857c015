"""derive's checks in a pytest run: a marker, a fixture, and the worst first at the end.

Loaded by pytest at every start, so nothing heavy is imported before a test asks for a check.

    def test_square(gradcheck):
        gradcheck(Square, torch.randn(3, 4))

    @pytest.mark.gradcheck(seed=3)
    def test_square():
        return Square, torch.randn(3, 4)
"""

from __future__ import annotations

import inspect
import shlex
import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from derive.verify.verdict import Verdict

_MARK = (
    "gradcheck(**options): derive checks the gradients of what the test returns: a target, or a target and its inputs. "
    "Options are those of derive.verify.check: seed, reference, backward, orders."
)
_NO_TORCH = "gradcheck needs torch, which is not installed: pip install 'derive-grad[torch]'"
_VERDICTS = pytest.StashKey[list["Verdict"]]()

#: Lines of the summary.
_SHOWN = 20


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("derive", "checks of gradients (derive)")
    group.addoption("--gradcheck", action="store_true", help="run only the tests marked gradcheck or using the fixture")
    group.addoption("--gradcheck-seed", type=int, default=None, metavar="N", help="seed of gradcheck's random inputs")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", _MARK)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """``--gradcheck`` leaves the tests that check a gradient."""
    if not config.getoption("--gradcheck"):
        return
    kept = [item for item in items if _marked(item) or "gradcheck" in getattr(item, "fixturenames", ())]
    left = set(map(id, kept))
    config.hook.pytest_deselected(items=[item for item in items if id(item) not in left])
    items[:] = kept


def _marked(item: pytest.Item) -> bool:
    return item.get_closest_marker("gradcheck") is not None


# ------------------------------------------------------------------------------ one check


@pytest.fixture
def gradcheck(request: pytest.FixtureRequest) -> Callable[..., Verdict]:
    """``gradcheck(target, *inputs, seed=…, reference=…)``: derive's verdict, which fails the test in words.

    ``target`` is anything that derive.verify.check takes: an autograd.Function, a module, an operation, a function of
    tensors, a catalogue name.  A kink is no failure; nothing checked is.
    """
    item = request.node
    _seed(item)

    def check(target: Any, *inputs: Any, **options: Any) -> Verdict:
        __tracebackhide__ = True
        return _check(item, target, inputs, options, pytrace=True)

    return check


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """A marked test says what is to be checked by returning it."""
    if not _marked(pyfuncitem) or inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    _seed(pyfuncitem)
    wanted = inspect.signature(pyfuncitem.obj).parameters
    arguments = {name: value for name, value in pyfuncitem.funcargs.items() if name in wanted}
    returned = pyfuncitem.obj(**arguments)
    if returned is not None:
        target, inputs = _parts(returned)
        _check(pyfuncitem, target, inputs, {}, pytrace=False)
    elif not pyfuncitem.stash.get(_VERDICTS, []):
        pytest.fail(
            "marked gradcheck, and nothing was checked\n"
            "    return what is to be checked, as in: return Square, torch.randn(3, 4)\n"
            "    or call the gradcheck fixture",
            pytrace=False,
        )
    return True


def _parts(returned: Any) -> tuple[Any, tuple[Any, ...]]:
    """``target``, ``(target, x, y)`` or ``(target, (x, y))``."""
    if not isinstance(returned, tuple):
        return returned, ()
    target, *inputs = returned
    if len(inputs) == 1 and isinstance(inputs[0], tuple | list):
        return target, tuple(inputs[0])
    return target, tuple(inputs)


def _check(item: pytest.Item, target: Any, inputs: tuple[Any, ...], options: dict[str, Any], pytrace: bool) -> Verdict:
    """The verdict, kept for the reports; a failed one fails the test.  ``pytrace``: with the line that called."""
    __tracebackhide__ = pytrace
    verdict = _verdict(item, target, inputs, options)
    item.stash.setdefault(_VERDICTS, []).append(verdict)
    item.user_properties.extend(_properties(verdict))
    if not verdict.passed:
        from derive.reports.verdicts import to_words

        pytest.fail(to_words(verdict), pytrace=pytrace)
    return verdict


def _verdict(item: pytest.Item, target: Any, inputs: tuple[Any, ...], options: dict[str, Any]) -> Verdict:
    __tracebackhide__ = True
    from dataclasses import replace

    from derive.errors import DeriveError
    from derive.verify import check

    chosen = {**_options(item), **options}
    try:
        with warnings.catch_warnings():  # what a check provokes in torch is not the test's, even under -W error
            warnings.simplefilter("ignore")
            verdict = check(target, *inputs, **chosen)
    except DeriveError as error:
        pytest.fail(str(error))
    return replace(verdict, rerun=f"pytest {shlex.quote(item.nodeid)} --gradcheck-seed {chosen['seed']}")


def _seed(item: pytest.Item) -> None:
    """Inputs that the test draws at random are the same when it is run again; without torch there is nothing to run."""
    try:
        import torch
    except ModuleNotFoundError:
        pytest.skip(_NO_TORCH)
    import random

    import numpy as np

    seed = _options(item)["seed"]
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def _options(item: pytest.Item) -> dict[str, Any]:
    """The marker's, nearest first; the command line's seed is the last word on every seed that the call leaves open."""
    options: dict[str, Any] = {"seed": 0}
    for mark in reversed(list(item.iter_markers("gradcheck"))):
        options |= mark.kwargs
    asked = item.config.getoption("--gradcheck-seed")
    return options if asked is None else options | {"seed": asked}


def _properties(verdict: Verdict) -> Iterator[tuple[str, str]]:
    """What a JUnit report carries of a check."""
    yield "gradcheck", verdict.name
    yield "gradcheck.status", verdict.status
    worst = _worst(verdict)
    for name in ("error", "tolerance", "seed"):
        value = getattr(worst, name, None)
        if value is not None:
            yield f"gradcheck.{name}", f"{value:.3e}" if isinstance(value, float) else str(value)


def _worst(verdict: Verdict) -> Any:
    from derive.reports.verdicts import badness

    return min((r for r in verdict.rows if r.status != "not applicable"), key=badness, default=None)


# ------------------------------------------------------------------------------ the end


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Verdicts travel with the report, from a worker of pytest-xdist too."""
    outcome: Any = yield
    report = outcome.get_result()
    verdicts = item.stash.get(_VERDICTS, [])
    if call.when == "call" and verdicts:
        report.gradcheck = [{**v.to_dict(), "evidence": []} for v in verdicts]


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Every checked target, worst first."""
    reports = [r for kind in ("passed", "failed", "xfailed", "xpassed") for r in terminalreporter.stats.get(kind, [])]
    found = [data for report in reports for data in getattr(report, "gradcheck", ())]
    if not found:
        return
    from derive.reports.verdicts import counted, to_lines
    from derive.verify.verdict import Verdict

    verdicts = [Verdict.from_dict(data) for data in found]
    lines = to_lines(verdicts)
    terminalreporter.section("gradcheck, worst first")
    for line in lines[:_SHOWN]:
        terminalreporter.line(line)
    if len(lines) > _SHOWN:
        terminalreporter.line(f"and {len(lines) - _SHOWN} more")
    terminalreporter.line(counted(verdicts))
