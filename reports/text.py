"""Layout tree -> terminal text of at most 80 columns, Unicode or ASCII.

A rendered formula is a run of pieces; a piece may be preceded by a place to break, and every bracket
makes the places inside it less welcome.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from derive.record import record
from derive.reports import layout as L

WIDTH = 80

#: A denominator shorter than this stays on the line of its numerator.
SHORT = 24

#: What differs between the two alphabets.
UNICODE = {
    "minus": "−", "times": "·", "sum": "Σ", "prod": "Π", "root": "√", "...": "…", "inf": "∞", "pi": "π",
    "==": "=", "!=": "≠", "<": "<", "<=": "≤", ">": ">", ">=": "≥", "|": "|", "Floor": "⌊ ⌋", "Ceil": "⌈ ⌉",
    "⊙": "⊙", "⊤": "ᵀ", "∂": "∂",
}  # fmt: skip
ASCII = {
    "minus": "-", "times": "*", "sum": "sum", "prod": "prod", "root": "sqrt", "...": "...", "inf": "inf", "pi": "pi",
    "==": "=", "!=": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">=", "|": "|", "Floor": "floor( )", "Ceil": "ceil( )",
    "⊙": ".*", "⊤": "^T", "∂": "d_",
}  # fmt: skip

SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")

#: The exponent of a transposed matrix.
TRANSPOSED = L.Word("⊤")


@record
class Piece:
    """Text that is never broken; ``depth`` is the depth of the break allowed before it, None for none."""

    text: str
    depth: int | None = None


Run = tuple[Piece, ...]


def word(text: str) -> Run:
    """One unbreakable piece."""
    return (Piece(text),)


def deeper(run: Run, by: int = 1) -> Run:
    """The same run, its breaks less welcome."""
    return tuple(p if p.depth is None else Piece(p.text, p.depth + by) for p in run)


def joined(runs: Iterable[Run], separator: str) -> Run:
    """Runs with a separator between them, breakable after it."""
    out: list[Piece] = []
    for i, run in enumerate(runs):
        if i:
            out.append(Piece(separator))
            out.append(Piece("", 0))
        out += run
    return tuple(out)


def flat(run: Run) -> str:
    """The run on one line."""
    return "".join(p.text for p in run)


def fold(run: Run, width: int, indent: str) -> list[str]:
    """Lines of at most ``width`` columns where breaks allow; broken at the least deep break that fits."""
    lines: list[str] = []
    start = 0
    while True:
        room = width - (len(indent) if lines else 0)
        end = _line_end(run, start, room)
        text = flat(run[start:end])
        lines.append((indent + text.lstrip() if lines else text).rstrip())
        if end == len(run):
            return lines
        start = end


def _line_end(run: Run, start: int, room: int) -> int:
    """Where the line that starts at ``start`` ends."""
    used, best = 0, None
    for i in range(start, len(run)):
        piece = run[i]
        if piece.depth is not None and i > start and used > 0 and (best is None or piece.depth <= best[0]):
            best = (piece.depth, i)
        used += len(piece.text)
        if used > room and best is not None:
            return best[1]
    return len(run)


class Text:
    """Prints layout nodes as runs; ``signs`` is the alphabet."""

    def __init__(self, ascii: bool = False) -> None:
        self.signs = ASCII if ascii else UNICODE
        self.ascii = ascii

    def line(self, node: L.Node) -> str:
        """A node on one line."""
        return flat(self.run(node))

    def run(self, node: L.Node) -> Run:
        """A node as pieces."""
        return _PRINTERS[type(node)](self, node)

    def inside(self, node: L.Node, least: int) -> Run:
        """A node, in brackets if it binds looser than ``least``."""
        run = self.run(node)
        return run if L.level(node) >= least else (Piece("("), *deeper(run, 2), Piece(")"))

    def name(self, text: str) -> str:
        """A name; the pack letter is an ellipsis."""
        return self.signs["..."] + text[3:] if text.startswith("...") else self.signs.get(text, text)


def _sum(t: Text, node: L.Sum) -> Run:
    out: list[Piece] = []
    for i, term in enumerate(node.terms):
        negative = isinstance(term, L.Minus)
        if i:
            out += [Piece(" "), Piece((t.signs["minus"] if negative else "+") + " ", 0)]
        elif negative:
            out.append(Piece(t.signs["minus"]))
        body = term.body if isinstance(term, L.Minus) else term
        out += deeper(t.inside(body, L.BIG))
    return tuple(out)


def _minus(t: Text, node: L.Minus) -> Run:
    return (Piece(t.signs["minus"]), *t.inside(node.body, L.BIG))


def _product(t: Text, node: L.Product) -> Run:
    times = t.signs["times"] if t.ascii else f" {t.signs['times']} "
    if all(L.level(f) == L.ATOM and not isinstance(f, L.Element | L.Bracket) for f in node.factors):
        times = t.signs["times"]
    elif t.ascii:
        times = " * "
    out: list[Piece] = []
    last = len(node.factors) - 1
    for i, factor in enumerate(node.factors):
        if i:
            out += [Piece(times.rstrip() + (" " if times.endswith(" ") else "")), Piece("", 1)]
        out += deeper(t.inside(factor, L.BIG if i == last else L.POWER if _is_wide(factor) else L.PRODUCT), 2)
    return tuple(out)


def _is_wide(node: L.Node) -> bool:
    """Whether a fraction needs brackets before another factor: ``1/K · a`` is clear, ``1 / x[k] · a`` is not."""
    return isinstance(node, L.Fraction) and not _is_tight(node)


def _is_tight(node: L.Fraction) -> bool:
    return all(isinstance(n, L.Word | L.Number) for n in (node.top, node.bottom))


def _elementwise(t: Text, node: L.Elementwise) -> Run:
    out: list[Piece] = []
    for i, factor in enumerate(node.factors):
        out += [Piece(f" {t.signs['⊙']} "), Piece("", 1)] if i else []
        out += deeper(t.inside(factor, L.POWER), 2)
    return tuple(out)


def _fraction(t: Text, node: L.Fraction) -> Run:
    """``a / b``; the line is broken before a denominator only when that is long."""
    tight = _is_tight(node)
    bottom = t.inside(node.bottom, L.POWER)
    top = deeper(t.inside(node.top, L.PRODUCT))
    if len(flat(bottom)) <= SHORT:
        return (*top, Piece(("/" if tight else " / ") + flat(bottom)))
    return (*top, Piece(" / "), Piece("", 2), *deeper(bottom, 3))


def _rounded(t: Text, node: L.Floor | L.Ceil) -> Run:
    ratio = deeper(_fraction(t, L.Fraction(node.top, node.bottom)), 2)
    opening, closing = t.signs[type(node).__name__].split()
    return (Piece(opening), *ratio, Piece(closing))


def _power(t: Text, node: L.Power) -> Run:
    base = t.inside(node.base, L.ATOM)
    if node.exponent == TRANSPOSED:
        return (*base, Piece(t.signs["⊤"]))
    if not t.ascii and isinstance(node.exponent, L.Number) and node.exponent.text.isdigit():
        return (*base, Piece(node.exponent.text.translate(SUPERSCRIPTS)))
    return (*base, Piece("^"), *t.inside(node.exponent, L.ATOM))


def _root(t: Text, node: L.Root) -> Run:
    if not t.ascii and isinstance(node.body, L.Word | L.Number | L.Element):
        return (Piece("√"), *t.run(node.body))
    return (Piece(t.signs["root"] + "("), *deeper(t.run(node.body), 2), Piece(")"))


def _call(t: Text, node: L.Call) -> Run:
    least = L.BIG + 1 if len(node.arguments) > 1 else 0  # a sum's conditions have commas of their own
    runs = [t.inside(a, least) if isinstance(a, L.Big) else t.run(a) for a in node.arguments]
    return (Piece(node.name + "("), *deeper(joined(runs, ", "), 2), Piece(")"))


def _element(t: Text, node: L.Element) -> Run:
    name = node.name.replace("∂", t.signs["∂"])
    if not node.indices:
        return word(name)
    return (Piece(name + "["), *deeper(joined(map(t.run, node.indices), ","), 4), Piece("]"))


def _group(t: Text, node: L.Group) -> Run:
    return (Piece("["), *deeper(joined(map(t.run, node.items), ", "), 2), Piece("]"))


def _big(t: Text, node: L.Big) -> Run:
    letters = ",".join(flat(t.run(n)) for n in node.letters)
    head: list[Piece] = [Piece(f"{t.signs.get(node.op, node.op)} {letters}")]
    for condition in node.conditions:
        head += [Piece(", "), Piece("", 2), *deeper(t.run(condition), 3)]
    if node.body is None:
        return tuple(head)
    return (*head, Piece("  "), Piece("", 1), *deeper(t.inside(node.body, L.BIG), 1))


def _choice(t: Text, node: L.Choice) -> Run:
    then, condition = t.inside(node.then, L.RELATION), t.inside(node.condition, L.LOOSE)
    return (
        *deeper(then), Piece(" "), Piece("if ", 0), *deeper(condition), Piece(" "), Piece("else ", 0),
        *deeper(t.run(node.otherwise)),
    )  # fmt: skip


def _bracket(t: Text, node: L.Bracket) -> Run:
    return (Piece("["), *deeper(t.run(node.condition), 2), Piece("]"))


def _chain(t: Text, node: L.Chain) -> Run:
    out = list(deeper(t.inside(node.items[0], L.SUM)))
    for relation, item in zip(node.relations, node.items[1:], strict=True):
        out += [Piece(f" {t.signs[relation]} "), Piece("", 1), *deeper(t.inside(item, L.SUM))]
    return tuple(out)


def _junction(t: Text, node: L.Junction) -> Run:
    out: list[Piece] = []
    for i, part in enumerate(node.parts):
        if i:
            out += [Piece(" "), Piece(f"{node.op} ", 1)]
        out += deeper(t.inside(part, L.RELATION))
    return tuple(out)


def _not(t: Text, node: L.Not) -> Run:
    return (Piece("not "), *t.inside(node.body, L.RELATION))


def _modulo(t: Text, node: L.Modulo) -> Run:
    return (*t.inside(node.top, L.PRODUCT), Piece(" mod "), *t.inside(node.bottom, L.PRODUCT))


_PRINTERS: dict[type[L.Node], Callable[..., Run]] = {
    L.Word: lambda t, n: word(t.name(n.text)),
    L.Number: lambda t, n: word(n.text),
    L.Sum: _sum,
    L.Minus: _minus,
    L.Product: _product,
    L.Elementwise: _elementwise,
    L.Fraction: _fraction,
    L.Floor: _rounded,
    L.Ceil: _rounded,
    L.Power: _power,
    L.Root: _root,
    L.Call: _call,
    L.Element: _element,
    L.Group: _group,
    L.Big: _big,
    L.Choice: _choice,
    L.Bracket: _bracket,
    L.Chain: _chain,
    L.Junction: _junction,
    L.Not: _not,
    L.Modulo: _modulo,
}
