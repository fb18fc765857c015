"""Line plots as SVG written by hand: axes, ticks, a legend; one file, no library, no script."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT = 640, 400
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 44, 52

#: Colours that differ in lightness too (Okabe and Ito), and dashes for print.
STYLES = (
    ("#0072b2", ""), ("#d55e00", "7 4"), ("#009e73", "2 3"), ("#cc79a7", "9 3 2 3"), ("#e69f00", "12 4"),
    ("#555555", "4 2"),
)  # fmt: skip

Points = Sequence[tuple[float, float]]


def line_plot(
    series: Mapping[str, Sequence[float] | Points],
    title: str,
    x: str,
    y: str,
    *,
    log_y: bool = False,
) -> str:
    """An SVG of the named series (values, or (x, y) pairs) over labelled axes.

    Points that are not finite, or not positive on a logarithmic axis, are left out and break the line.
    """
    points = {name: _pairs(values) for name, values in series.items()}
    shown = [p for ps in points.values() for p in ps if _drawable(p, log_y)]
    across = Axis([p[0] for p in shown], LEFT, WIDTH - RIGHT)
    up = Axis([p[1] for p in shown], HEIGHT - BOTTOM, TOP, log_y)
    body = [_grid(across, up), _labels(title, x, y)]
    for (_name, values), style in zip(points.items(), _styles(len(points)), strict=True):
        body += _lines(values, across, up, style, log_y)
    body.append(_legend(list(points), across, up, shown))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'role="img" aria-label="{escape(title, quote=True)}" font-family="sans-serif" font-size="12">\n'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>\n' + "\n".join(body) + "\n</svg>\n"
    )


def _pairs(values: Sequence[float] | Points) -> list[tuple[float, float]]:
    out = []
    for i, value in enumerate(values):
        a, b = value if isinstance(value, tuple | list) else (i, value)
        out.append((float(a), float(b)))
    return out


def _drawable(point: tuple[float, float], log_y: bool) -> bool:
    return math.isfinite(point[0]) and math.isfinite(point[1]) and (point[1] > 0 or not log_y)


class Axis:
    """Data to pixels, and where the ticks are."""

    def __init__(self, values: Sequence[float], start: float, end: float, log: bool = False) -> None:
        self.log, self.start, self.end = log, start, end
        scaled = [math.log10(v) if log else v for v in values] or [0.0, 1.0]
        low, high = min(scaled), max(scaled)
        if high == low:
            low, high = low - 0.5, high + 0.5
        self.ticks = _decades(low, high) if log else _round_ticks(low, high)
        self.low, self.high = min(low, self.ticks[0]), max(high, self.ticks[-1])

    def place(self, value: float) -> float:
        """The pixel of a value."""
        scaled = math.log10(value) if self.log else value
        return self.start + (scaled - self.low) / (self.high - self.low) * (self.end - self.start)

    def marks(self) -> list[tuple[float, str]]:
        """(pixel, label) of each tick."""
        span = self.end - self.start
        pixels = [self.start + (t - self.low) / (self.high - self.low) * span for t in self.ticks]
        return [(p, f"{10.0**t:.0e}" if self.log else f"{t:.6g}") for p, t in zip(pixels, self.ticks, strict=True)]


def _round_ticks(low: float, high: float) -> list[float]:
    """About five round numbers around the range."""
    raw = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= raw * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(n * step, 12) + 0.0 for n in range(first, last + 1)]


def _decades(low: float, high: float) -> list[float]:
    first, last = math.floor(low + 1e-9), math.ceil(high - 1e-9)
    step = max(1, -(-(last - first) // 8))
    return [float(n) for n in range(first, last + step, step)]


def _grid(across: Axis, up: Axis) -> str:
    left, right, bottom, top = LEFT, WIDTH - RIGHT, HEIGHT - BOTTOM, TOP
    out = []
    for at, label in up.marks():
        out.append(f'<path d="M{left} {at:.1f}H{right}" stroke="#ddd"/>')
        out.append(f'<text x="{left - 8}" y="{at + 4:.1f}" text-anchor="end">{label}</text>')
    for at, label in across.marks():
        out.append(f'<path d="M{at:.1f} {bottom}v5" stroke="#333"/>')
        out.append(f'<text x="{at:.1f}" y="{bottom + 18}" text-anchor="middle">{label}</text>')
    out.append(f'<path d="M{left} {top}V{bottom}H{right}" stroke="#333" fill="none"/>')
    return "\n".join(out)


def _labels(title: str, x: str, y: str) -> str:
    middle, height = (LEFT + WIDTH - RIGHT) / 2, (TOP + HEIGHT - BOTTOM) / 2
    return (
        f'<text x="{middle:.0f}" y="24" text-anchor="middle" font-size="15" font-weight="bold">{escape(title)}</text>\n'
        f'<text x="{middle:.0f}" y="{HEIGHT - 12}" text-anchor="middle">{escape(x)}</text>\n'
        f'<text transform="translate(16 {height:.0f}) rotate(-90)" text-anchor="middle">{escape(y)}</text>'
    )


def _styles(n: int) -> list[tuple[str, str]]:
    return [STYLES[i % len(STYLES)] for i in range(n)]


def _lines(values: list[tuple[float, float]], across: Axis, up: Axis, style: tuple[str, str], log_y: bool) -> list[str]:
    """One polyline per unbroken run of points; a run of one is a dot."""
    runs: list[list[str]] = [[]]
    for p in values:
        if _drawable(p, log_y):
            runs[-1].append(f"{across.place(p[0]):.1f},{up.place(p[1]):.1f}")
        elif runs[-1]:
            runs.append([])
    colour, dash = style
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    out = []
    for run in runs:
        if len(run) == 1:
            cx, cy = run[0].split(",")
            out.append(f'<circle cx="{cx}" cy="{cy}" r="3" fill="{colour}"/>')
        elif run:
            out.append(f'<polyline points="{" ".join(run)}" fill="none" stroke="{colour}" stroke-width="2"{dashed}/>')
    return out


def _legend(names: list[str], across: Axis, up: Axis, shown: Points) -> str:
    """In the upper corner with fewer points under it; nothing when there is nothing to name."""
    if not names:
        return ""
    width = 44 + 7 * max((len(n) for n in names), default=0)
    height = 10 + 18 * len(names)
    left = sum(1 for p in shown if across.place(p[0]) < LEFT + 20 + width and up.place(p[1]) < TOP + 16 + height)
    right = sum(
        1 for p in shown if across.place(p[0]) > WIDTH - RIGHT - 20 - width and up.place(p[1]) < TOP + 16 + height
    )
    x0 = LEFT + 12 if left < right else WIDTH - RIGHT - 8 - width
    out = [f'<rect x="{x0}" y="{TOP + 6}" width="{width}" height="{height}" fill="white" stroke="#ccc"/>']
    for i, (name, (colour, dash)) in enumerate(zip(names, _styles(len(names)), strict=True)):
        y = TOP + 20 + 18 * i
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        out.append(f'<path d="M{x0 + 8} {y}h24" stroke="{colour}" stroke-width="2"{dashed}/>')
        out.append(f'<text x="{x0 + 38}" y="{y + 4}">{escape(name)}</text>')
    return "\n".join(out)
