"""Numbers and findings in words, for the eye and for a screen reader alike."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from derive.verify.evidence import EXACT, PLATEAU, V, bottom, fitted, worst_cell

if TYPE_CHECKING:
    from derive.verify.verdict import Evidence

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
#: A relative error that no difference at a good step makes by itself.
WRONG = 1e-6

STEPS = (
    "The gradient against central differences of the forward, as the step h shrinks. A right gradient makes a V: the "
    "difference’s own error falls as h², until rounding, ε/h, takes over. A wrong one levels off, and the plateau’s "
    "height is the relative error of the formula."
)
REMAINDERS = (
    "What Taylor’s first two terms leave, |φ(h) − φ(0) − h·φ′|. With the right φ′ it is h²·φ″/2, and the slope is 2; "
    "with a wrong one it is h times the error, and the slope is 1."
)
HEAT = (
    "Relative error of the gradient, entry by entry (of larger tensors, block by block). One even colour is a wrong "
    "factor or a lost term; a stripe or an edge, a wrong index or range; a single cell, one wrong entry."
)
HISTOGRAM = (
    "Every check that was decided, by how much of its tolerance the error uses, a bar for each power of ten. Those to "
    "the right of the line are failures; a healthy set stands well to the left of it."
)


def power(exponent: float) -> str:
    """``10⁻³``."""
    return "10" + str(round(exponent)).translate(_RAISED)


def number(value: float | None) -> str:
    """``1.0·10⁻³``; what is near 1 as it is."""
    if value is None:
        return "—"
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else "∞"
    if value == 0 or 0.01 <= abs(value) < 1000:
        return f"{value:.2g}" if abs(value) < 100 else f"{value:.0f}"
    mantissa, _, exponent = f"{value:.1e}".partition("e")
    return f"{mantissa}·{power(int(exponent))}"


def several(n: int, one: str, many: str = "") -> str:
    """``1 check``, ``12 checks``."""
    return f"{grouped(n)} {one if n == 1 else many or one + 's'}"


def grouped(n: int) -> str:
    """``1 074``."""
    return f"{n:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def joined(items: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join([", ".join(items[:-1]), items[-1]]) if len(items) > 1 else "".join(items)


def of_steps(e: Evidence) -> str:
    """What one curve of errors shows."""
    low = bottom(e.steps)
    if low is None:
        return "no finite number"
    if low.shape == PLATEAU:
        return f"levels off at {number(low.height)}"
    if low.shape == V:
        return f"a V, down to {number(low.height)} at h = {number(low.step)}"
    if low.shape == EXACT:
        return "rounding alone: a central difference leaves nothing out here"
    return f"stays above {number(low.height)}: a kink, or an error that depends on the step"


def of_remainders(e: Evidence) -> str:
    """What one curve of remainders shows."""
    slope = fitted(e.remainders)
    if slope is not None:
        return f"slope {slope:.2f}"
    return "nothing above rounding: φ is linear here" if e.steps else "no finite number"


def of_heat(e: Evidence) -> str:
    """What one map shows."""
    worst, _, _ = worst_cell(e.heat)
    return "agrees" if worst < WRONG else f"worst {number(worst)}"


def steps_finding(evidence: Sequence[Evidence]) -> str:
    """The sentence under the picture of errors that is about this target."""
    lows = [(e.input, bottom(e.steps)) for e in evidence]
    flat = sorted(((low.height, n) for n, low in lows if low and low.shape == PLATEAU), reverse=True)
    lost = [n for n, low in lows if low is None]
    if flat:
        return "Here " + joined([f"{n} levels off at {number(height)}, {_parts(height)}" for height, n in flat]) + "."
    if lost:
        return f"Here there is nothing to draw of {joined(lost)}: the gradient or the forward is not a number."
    if any(low and low.shape not in (V, EXACT) for _, low in lows):
        return "Here a curve neither makes a V nor keeps a level: there is a kink near, or the error depends on h."
    return "Here nothing levels off: the formula is right as far as differences can see."


def _parts(error: float) -> str:
    if error >= 0.5:
        return "an error as large as the gradient itself"
    parts = round(1 / error)
    return f"an error of one part in {grouped(round(parts, 2 - len(str(parts))))}"


def remainders_finding(evidence: Sequence[Evidence]) -> str:
    """The sentence under the picture of remainders that is about this target.

    A slope of 1 alone is no proof: across a kink the remainder bends too.  Where differences level off, it is.
    """
    slopes = [(e.input, slope) for e in evidence if (slope := fitted(e.remainders)) is not None]
    lows = {e.input: bottom(e.steps) for e in evidence}
    flat = {n for n, low in lows.items() if low and low.shape == PLATEAU}
    wrong = [f"{n} has slope {s:.2f}" for n, s in slopes if n in flat and s < 1.5]
    if wrong:
        return f"Here {joined(wrong)}: φ′ is wrong."
    if flat:
        return "Here the error is too small to bend these lines; the picture of differences shows it."
    if not all(low and low.shape in (V, EXACT) for low in lows.values()):
        return "Here these lines decide nothing."
    if not slopes:
        return "Here nothing is left above rounding: the outputs are linear in each input."
    if any(s < 1.75 for _, s in slopes):
        return "Here a line bends where a step crosses a kink; the picture of differences shows that φ′ is right."
    return "Here every slope is 2 or more: φ′ is right."


def heat_finding(evidence: Sequence[Evidence]) -> str:
    """The sentence under the maps that is about this target."""
    wrong = [f"d{e.input}" for e in evidence if worst_cell(e.heat)[0] >= WRONG]
    if not wrong:
        return "Here every entry agrees."
    return f"Here {joined(wrong)} {'is' if len(wrong) == 1 else 'are'} wrong in the coloured cells."
