"""Layout tree -> presentation MathML; a document is a fragment of HTML with one ``<math>`` a formula."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from html import escape

from derive.reports import layout as L
from derive.reports.document import Block, Document, Formula

#: Signs of the language, reductions and Greek as characters.
SIGNS = {
    "==": "=", "!=": "≠", "<": "&lt;", "<=": "≤", ">": "&gt;", ">=": "≥", "|": "∣", "⊙": "⊙",
    "sum": "∑", "prod": "∏", "inf": "∞",
    "count": "#", "pi": "π",
}  # fmt: skip
GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "eta": "η", "theta": "θ", "lambda": "λ",
    "mu": "μ", "nu": "ν", "rho": "ρ", "sigma": "σ", "tau": "τ", "phi": "φ", "omega": "ω",
}  # fmt: skip


NO_BREAK = "\N{NO-BREAK SPACE}"


def mathml(node: L.Node) -> str:
    """Any layout node as one MathML element."""
    return _PRINTERS[type(node)](node)


def name(written: str) -> str:
    """An identifier; ``stride[0]`` gets a subscript."""
    if written.startswith("..."):
        return f"<mi>…{escape(written[3:])}</mi>"
    head, bracket, index = written.partition("[")
    if bracket:
        return f"<msub>{name(head)}<mn>{escape(index.rstrip(']'))}</mn></msub>"
    return f"<mi>{SIGNS.get(written) or GREEK.get(written) or escape(written)}</mi>"


def text(words: str) -> str:
    """Words; MathML drops plain spaces at their ends."""
    return f"<mtext>{escape(words).replace(' ', NO_BREAK)}</mtext>"


def row(*parts: str) -> str:
    """Elements side by side."""
    return parts[0] if len(parts) == 1 else f"<mrow>{''.join(parts)}</mrow>"


def sign(text: str) -> str:
    """An operator."""
    return f"<mo>{text}</mo>"


#: What a bar or a root's sign already holds together.
_HELD = {L.Fraction: L.PRODUCT, L.Root: L.ATOM}


def inside(node: L.Node, least: int) -> str:
    """A node, in brackets if it binds looser than ``least``."""
    held = _HELD.get(type(node), L.level(node)) >= least
    return mathml(node) if held else row(sign("("), mathml(node), sign(")"))


def listed(nodes: Iterable[L.Node], separator: str = ",") -> str:
    """Elements with a separator between them."""
    parts: list[str] = []
    for node in nodes:
        parts += [sign(separator), mathml(node)] if parts else [mathml(node)]
    return row(*parts) if parts else "<mrow></mrow>"


def _sum(node: L.Sum) -> str:
    parts: list[str] = []
    for i, term in enumerate(node.terms):
        negative = isinstance(term, L.Minus)
        parts += [sign("−" if negative else "+")] if negative or i else []
        parts.append(inside(term.body if isinstance(term, L.Minus) else term, L.BIG))
    return row(*parts)


def _product(node: L.Product) -> str:
    last = len(node.factors) - 1
    parts: list[str] = []
    for i, factor in enumerate(node.factors):
        parts += [sign("·")] if i else []
        parts.append(inside(factor, L.BIG if i == last else L.PRODUCT))
    return row(*parts)


def _elementwise(node: L.Elementwise) -> str:
    parts: list[str] = []
    for factor in node.factors:
        parts += [sign("⊙")] if parts else []
        parts.append(inside(factor, L.POWER))
    return row(*parts)


def _big(node: L.Big) -> str:
    below = [mathml(n) for n in node.letters]
    below += [mathml(c) for c in node.conditions]
    under = row(*(part for i, b in enumerate(below) for part in ([sign(","), b] if i else [b])))
    operator = SIGNS.get(node.op, node.op)
    head = f'<munder><mo movablelimits="false">{operator}</mo>{under}</munder>'
    return head if node.body is None else row(head, inside(node.body, L.BIG))


def _choice(node: L.Choice) -> str:
    rows: list[str] = []
    rest: L.Node = node
    while isinstance(rest, L.Choice):
        rows.append(_case(mathml(rest.then), f"{text('if ')}{mathml(rest.condition)}"))
        rest = rest.otherwise
    rows.append(_case(mathml(rest), text("otherwise")))
    return row(sign("{"), f"<mtable>{''.join(rows)}</mtable>")


def _case(value: str, when: str) -> str:
    return f"<mtr><mtd>{value}</mtd><mtd><mrow>{when}</mrow></mtd></mtr>"


def _chain(node: L.Chain) -> str:
    parts = [inside(node.items[0], L.SUM)]
    for relation, item in zip(node.relations, node.items[1:], strict=True):
        parts += [sign(SIGNS[relation]), inside(item, L.SUM)]
    return row(*parts)


def _junction(node: L.Junction) -> str:
    parts: list[str] = []
    for part in node.parts:
        parts += [text(f" {node.op} ")] if parts else []
        parts.append(inside(part, L.RELATION))
    return row(*parts)


def _element(node: L.Element) -> str:
    return f"<msub>{name(node.name)}{listed(node.indices)}</msub>" if node.indices else name(node.name)


def _fraction(node: L.Fraction | L.Floor | L.Ceil) -> str:
    return f"<mfrac>{mathml(node.top)}{mathml(node.bottom)}</mfrac>"


_PRINTERS: dict[type[L.Node], Callable[..., str]] = {
    L.Word: lambda n: name(n.text),
    L.Number: lambda n: f"<mn>{n.text}</mn>",
    L.Sum: _sum,
    L.Minus: lambda n: row(sign("−"), inside(n.body, L.BIG)),
    L.Product: _product,
    L.Elementwise: _elementwise,
    L.Fraction: _fraction,
    L.Floor: lambda n: row(sign("⌊"), _fraction(n), sign("⌋")),
    L.Ceil: lambda n: row(sign("⌈"), _fraction(n), sign("⌉")),
    L.Power: lambda n: f"<msup>{inside(n.base, L.ATOM)}{mathml(n.exponent)}</msup>",
    L.Root: lambda n: f"<msqrt>{mathml(n.body)}</msqrt>",
    L.Call: lambda n: row(f"<mi>{escape(n.name)}</mi>", sign("("), listed(n.arguments), sign(")")),
    L.Element: _element,
    L.Group: lambda n: row(sign("["), listed(n.items), sign("]")),
    L.Big: _big,
    L.Choice: _choice,
    L.Bracket: lambda n: row(sign("["), mathml(n.condition), sign("]")),
    L.Chain: _chain,
    L.Junction: _junction,
    L.Not: lambda n: row(text("not "), inside(n.body, L.RELATION)),
    L.Modulo: lambda n: row(inside(n.top, L.PRODUCT), sign("mod"), inside(n.bottom, L.PRODUCT)),
}


# ------------------------------------------------------------------------------ documents


def to_mathml(document: Document) -> str:
    """Headings, paragraphs and formulas: a fragment to put in a page."""
    return "\n".join(part for block in document.blocks for part in _block(block)) + "\n"


def _block(block: Block) -> list[str]:
    parts = [f"<h2>{escape(block.title)}</h2>"]
    parts += [f"<p>{escape(sentence)}</p>" for sentence in block.says]
    parts += [displayed(declared(n, shape)) for n, shape in block.about]
    parts += [displayed(row(text("given "), declared(*one))) for one in block.declared]
    parts += [displayed(_formula(f)) for f in block.formulas]
    parts += [displayed(row(text("over "), listed(block.over)))] if block.over else []
    parts += ["<pre>" + escape("\n".join(block.code)) + "</pre>"] if block.code else []
    parts += [f"<p>{escape(f'{head}: ' + ', '.join(items))}</p>" for head, items in block.notes]
    for head, sentences in block.prose:
        words = " ".join(s.filled(lambda n: f"<math>{mathml(n)}</math>", escape) for s in sentences)
        parts.append(f"<p><i>{escape(head.capitalize())}.</i> {words}</p>")
    return parts


def displayed(markup: str) -> str:
    """A formula on a line of its own."""
    return f'<math xmlns="http://www.w3.org/1998/Math/MathML" display="block">{markup}</math>'


def inner(markup: str) -> str:
    """The inside of one row; ``math`` sets its parts side by side anyway."""
    inside = markup.removeprefix("<mrow>").removesuffix("</mrow>")
    depth = 0
    for tag in re.findall("</?mrow>", inside):
        depth += 1 if tag == "<mrow>" else -1
        if depth < 0:
            return markup
    return inside if len(markup) - len(inside) == len("<mrow></mrow>") else markup


def declared(tensor: str, shape: L.Node, note: str = "") -> str:
    """A tensor, its shape, and what is special about it."""
    said = [text(f" ({note})")] if note else []
    return row(name(tensor), sign(":"), mathml(shape), *said)


def equation(f: Formula) -> str:
    """``left = right``."""
    return row(mathml(f.left), sign(SIGNS[f.relation]), mathml(f.right))


def _guarded(f: Formula) -> str:
    """The equation, on which entries it holds, and what the others are."""
    line = [mathml(f.left), sign(SIGNS[f.relation]), mathml(f.right)]
    if f.guard:
        line += [text(" if "), listed(f.guard)]
        line += [text(f", else {f.otherwise}")] if f.otherwise else []
    return row(*line)


def named(pair: tuple[L.Node, L.Node]) -> str:
    """An index that has been given a name, and what it stands for."""
    return row(mathml(pair[0]), sign("="), mathml(pair[1]))


def _formula(f: Formula) -> str:
    lines = [[_guarded(f)]]
    for head, pair in zip(["where ", *[" "] * len(f.where)], f.where, strict=False):
        lines.append([text(head), named(pair)])
    for head, nodes in (("only ", f.only), ("for ", f.over)):
        lines += [[text(head), listed(nodes)]] if nodes else []
    if len(lines) == 1:
        return row(*lines[0])
    rows = "".join(f'<mtr><mtd style="text-align: left">{row(*line)}</mtd></mtr>' for line in lines)
    return f"<mtable>{rows}</mtable>"
