"""The pictures, as trees of SVG: curves over steps, remainders with their slopes, maps of errors, a histogram."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from derive.reports.html import words
from derive.reports.html.elements import Element, Node, element
from derive.reports.svg import Axis
from derive.verify.evidence import PLATEAU, bottom, fitted, worst_cell

if TYPE_CHECKING:
    from derive.verify.verdict import Evidence

WIDTH, HEIGHT = 360, 230
LEFT, RIGHT, TOP, BOTTOM = 54, 12, 10, 38
#: Curves to a picture; the style sheet has a colour and a dash for each.
CURVES = 6
_LEAST = 1e-17

Points = Sequence[tuple[float, float]]

# ------------------------------------------------------------------------------ curves


def steps(evidence: Sequence[Evidence]) -> Element:
    """Error against step size: V or plateau."""
    curves = [[(h, max(y, _LEAST)) for h, y in e.steps] for e in evidence]
    frame = _Frame([p for c in curves for p in c])
    marks: list[Node] = []
    for e in evidence:
        low = bottom(e.steps)
        if low and low.shape == PLATEAU:
            at = frame.up.place(low.height)
            marks.append(element("path", d=f"M{LEFT} {at:.1f}H{WIDTH - RIGHT}", class_="level"))
            marks.append(_text(frame.across.place(low.step), at - 6, words.number(low.height), "level", "middle"))
    said = "; ".join(f"{e.input} {words.of_steps(e)}" for e in evidence)
    label = f"Error against step size. {said}."
    return frame.picture(label, "step h", "relative error", [*_curves(curves, frame), *_unique(marks)])


def remainders(evidence: Sequence[Evidence]) -> Element:
    """Taylor's remainder with slopes 1 and 2 to compare with."""
    curves = [list(e.remainders) for e in evidence]
    frame = _Frame([p for c in curves for p in c])
    said = "; ".join(f"{e.input} {words.of_remainders(e)}" for e in evidence)
    inside = [*_guides(frame, curves), *_curves(curves, frame), *_slopes(evidence, frame)]
    return frame.picture(f"Taylor’s remainder. {said}.", "step h", "remainder", inside)


def _guides(frame: _Frame, curves: Sequence[Points]) -> list[Node]:
    """Lines of slope 1 and 2 from the largest remainder down."""
    h, r = max((p for c in curves for p in c), default=(1e-1, 1.0))
    x1, y1 = frame.across.place(h), frame.up.place(r)
    out: list[Node] = []
    for slope, dx, dy, anchor in ((1, -6, -4, "end"), (2, 7, 9, "start")):
        run = min(math.log10(h) - frame.across.low, (math.log10(r) - frame.up.low) / slope)
        x0, y0 = frame.across.place(h / 10**run), frame.up.place(r / 10 ** (run * slope))
        out.append(element("path", d=f"M{x0:.1f} {y0:.1f}L{x1:.1f} {y1:.1f}", class_="guide"))
        x, y = x0 + (x1 - x0) * 0.45 + dx, y0 + (y1 - y0) * 0.45 + dy
        out.append(_text(x, y, f"slope {slope}", "guide", anchor))
    return out


def _slopes(evidence: Sequence[Evidence], frame: _Frame) -> list[Node]:
    """The fitted slope beside the lower end of a curve; where several are the same, once."""
    found: dict[str, Node] = {}
    taken: list[tuple[float, float]] = []
    for e in evidence:
        slope = fitted(e.remainders)
        if slope is None or f"{slope:.1f}" in found:
            continue
        h, r = min(e.remainders)
        x, y = frame.across.place(h), frame.up.place(r)
        left = x > LEFT + 80
        x, y = (x - 7, y + 3) if left else (x + 12, min(y + 8, HEIGHT - BOTTOM - 4))
        while any(abs(x - p) < 130 and abs(y - q) < 14 for p, q in taken):
            y -= 14
        taken.append((x, y))
        found[f"{slope:.1f}"] = _text(x, y, f"slope {slope:.2f}", "fitted", "end" if left else "start")
    return list(found.values())


def _curves(curves: Sequence[Points], frame: _Frame) -> list[Node]:
    out: list[Node] = []
    for i, curve in enumerate(curves):
        at = [(frame.across.place(h), frame.up.place(y)) for h, y in sorted(curve)]
        if len(at) > 1:
            out.append(element("polyline", points=" ".join(f"{x:.0f},{y:.1f}" for x, y in at), class_=f"curve c{i}"))
        elif at:
            out.append(element("circle", cx=f"{at[0][0]:.0f}", cy=f"{at[0][1]:.1f}", r=3, class_=f"dot c{i}"))
    return out


def swatch(i: int) -> Element:
    """A curve's colour and dash, beside its name."""
    line = element("path", d="M0 4H26", class_=f"curve c{i}")
    return element("svg", line, viewBox="0 0 26 8", class_="swatch", aria_hidden="true")


class _Frame:
    """Axes of powers of ten around some points."""

    def __init__(self, points: Points) -> None:
        self.across = Axis([h for h, _ in points] or [1e-9, 1e-1], LEFT, WIDTH - RIGHT, True)
        self.up = Axis([y for _, y in points] or [1e-16, 1.0], HEIGHT - BOTTOM, TOP, True)

    def picture(self, label: str, x: str, y: str, inside: Sequence[Node]) -> Element:
        base, right, middle = HEIGHT - BOTTOM, WIDTH - RIGHT, (TOP + HEIGHT - BOTTOM) / 2
        up, across = _ticks(self.up), _ticks(self.across)
        lines = "".join(f"M{LEFT} {at:.0f}H{right}" for at, _ in up)
        marks = "".join(f"M{at:.0f} {base}v4" for at, _ in across)
        grid = [
            element("path", d=lines, class_="grid"),
            element("path", d=f"{marks}M{LEFT} {base}H{right}", class_="axis"),
            element("g", *(_word(LEFT - 5, at + 3.5, tick) for at, tick in up), class_="end"),
            element("g", *(_word(at, base + 15, tick) for at, tick in across), class_="middle"),
            _text((LEFT + right) / 2, HEIGHT - 5, x, "name", "middle"),
            element("text", y, transform=f"translate(9 {middle:.0f}) rotate(-90)", class_="name middle"),
        ]
        return _svg(WIDTH, HEIGHT, label, [*grid, *inside], "plot")


def _ticks(axis: Axis) -> list[tuple[float, str]]:
    return [(at, words.power(t)) for (at, _), t in zip(axis.marks(), axis.ticks, strict=True)]


# ------------------------------------------------------------------------------ maps

#: Powers of ten at which a cell takes the next colour.
LEVELS = (-6, -4, -2, -0.5)
CELL = 10


def heat(e: Evidence) -> Element:
    """A map of cells; runs of one colour are one stroke, the worst cell is ringed."""
    rows, columns = len(e.heat), max(map(len, e.heat), default=0)
    runs: dict[int, list[str]] = {}
    for i, row in enumerate(e.heat):
        j = 0
        while j < len(row):
            colour, end = level(row[j]), j
            while end < len(row) and level(row[end]) == colour:
                end += 1
            runs.setdefault(colour, []).append(f"M{j * CELL} {i * CELL + CELL // 2}h{(end - j) * CELL}")
            j = end
    inside: list[Node] = [element("path", d="".join(runs[c]), class_=f"heat h{c}") for c in sorted(runs)]
    worst, i, j = worst_cell(e.heat)
    if worst >= words.WRONG:
        ring = {"x": j * CELL + 1, "y": i * CELL + 1, "width": CELL - 2, "height": CELL - 2}
        inside.append(element("rect", **ring, class_="ring"))
    lines = [f"M{k * CELL} 0V{rows * CELL}" for k in range(1, columns)]
    lines += [f"M0 {k * CELL}H{columns * CELL}" for k in range(1, rows)]
    inside.insert(len(runs), element("path", d="".join(lines), class_="gap"))
    shown = 1.6 if max(rows, columns) <= 8 else 1.2
    return _svg(
        columns * CELL, rows * CELL, f"Map of the error of d{e.input}: {words.of_heat(e)}.", inside, "map", shown
    )


def level(error: float) -> int:
    """The colour of an error, 0 the least."""
    if not math.isfinite(error):
        return len(LEVELS)
    return sum(error >= 10.0**p for p in LEVELS)


def scale() -> Element:
    """What the colours of the maps mean."""
    names = [f"below {words.power(LEVELS[0])}", *(f"from {_bound(p)}" for p in LEVELS)]
    items = [
        element("li", element("span", class_=f"chip h{i}", aria_hidden="true"), text) for i, text in enumerate(names)
    ]
    return element("ul", *items, class_="scale")


def _bound(p: float) -> str:
    return words.power(p) if p == int(p) else f"{10.0**p:.1g}"


# ------------------------------------------------------------------------------ histogram

_TALL, _WIDE = 160, 720
#: Bins by their lower power of ten: no error at all, and anything larger.
_NONE, _LAST = -10, 3


def histogram(used: Sequence[float]) -> Element:
    """Bars of the powers of ten of error over tolerance; at and past 10⁰ they are failures."""
    bins: dict[int, int] = {}
    for u in used:
        bins[_bin(u)] = bins.get(_bin(u), 0) + 1
    ks, most = range(_NONE, _LAST + 1), max(bins.values(), default=1)
    width, base = (_WIDE - 20) / len(ks), _TALL - 34
    inside: list[Node] = []
    for i, k in enumerate(ks):
        x, n = 10 + i * width, bins.get(k, 0)
        if n:
            tall = max((base - 22) * n / most, 2)
            kind = "bar bad" if k >= 0 else "bar"
            box = {"x": f"{x + 2:.1f}", "y": f"{base - tall:.1f}", "width": f"{width - 4:.1f}", "height": f"{tall:.1f}"}
            inside.append(element("rect", **box, rx=2, class_=kind))
            inside.append(_text(x + width / 2, base - tall - 5, str(n), "count", "middle"))
        if k == _NONE:
            inside.append(_text(x + width / 2, base + 15, "none", "tick", "middle"))
        elif k % 2 == 0:
            inside.append(_text(x, base + 15, words.power(k), "tick", "middle"))
    limit = 10 - _NONE * width
    inside.append(element("path", d=f"M10 {base}H{_WIDE - 10}", class_="axis"))
    inside.append(element("path", d=f"M{limit:.1f} {TOP}V{base + 4}", class_="limit"))
    inside.append(_text(limit + 6, TOP + 8, "tolerance", "limit", "start"))
    inside.append(_text(_WIDE / 2, _TALL - 3, "error ÷ tolerance", "name", "middle"))
    failed = sum(n for k, n in bins.items() if k >= 0)
    return _svg(_WIDE, _TALL, f"Histogram of {len(used)} checks: {failed} beyond their tolerance.", inside, "bars")


def _bin(share: float) -> int:
    """The power of ten; what fails is never among what passes, nor the other way round."""
    if share <= 0:
        return _NONE
    k = math.floor(math.log10(share)) if math.isfinite(share) else _LAST
    return min(max(k, 0), _LAST) if not share <= 1 else min(max(k, _NONE + 1), -1)


# ------------------------------------------------------------------------------ small things


def _svg(width: float, height: float, label: str, inside: Sequence[Node], kind: str, size: float = 1.0) -> Element:
    box = f"0 0 {width:g} {height:g}"
    return element(
        "svg", *inside, viewBox=box, role="img", aria_label=label, class_=kind, style=f"--w:{width * size:g}"
    )


def _text(x: float, y: float, text: str, kind: str, anchor: str) -> Element:
    return element("text", text, x=f"{x:.1f}", y=f"{y:.1f}", class_=f"{kind} {anchor}")


def _word(x: float, y: float, text: str) -> Element:
    return element("text", text, x=f"{x:.0f}", y=f"{y:.0f}")


def _unique(nodes: Sequence[Node]) -> list[Node]:
    return list(dict.fromkeys(nodes))


__all__ = ["CURVES", "heat", "histogram", "remainders", "scale", "steps", "swatch"]
