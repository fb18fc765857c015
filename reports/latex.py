r"""Layout tree -> LaTeX; a document is one display a formula, ready for ``\[ … \]`` or a fenced math block."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from derive.reports import layout as L
from derive.reports.document import Block, Document, Formula

RELATIONS = {
    "==": "=", "!=": r"\ne", "<": "<", "<=": r"\le", ">": ">", ">=": r"\ge", "|": r"\mid",
}  # fmt: skip

OPERATORS = {
    "sum": r"\sum", "prod": r"\prod", "max": r"\max", "min": r"\min", "amax": r"\max", "amin": r"\min",
    "argmax": r"\operatorname*{arg\,max}", "argmin": r"\operatorname*{arg\,min}", "count": r"\#", "any": r"\exists",
    "all": r"\forall",
}  # fmt: skip

GREEK = frozenset((
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "kappa", "lambda", "mu", "nu", "xi", "pi",
    "rho", "sigma", "tau", "phi", "chi", "psi", "omega",
))  # fmt: skip
SYMBOLS = {"inf": r"\infty", "⊤": r"\top"}
FUNCTIONS = frozenset(["exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "max", "min"])


def name(text: str) -> str:
    r"""A name: one letter in italics, Greek as Greek, ``stride[0]`` with a subscript, anything else upright."""
    if text.startswith("..."):
        return r"\ldots" + text[3:]
    if text in SYMBOLS:
        return SYMBOLS[text]
    if text.startswith("∂"):
        return r"\partial " + name(text[1:])
    if text.endswith("'"):
        return name(text[:-1]) + "'"
    head, bracket, index = text.partition("[")
    if bracket:
        return f"{name(head)}_{{{index.rstrip(']')}}}"
    if text in GREEK:
        return "\\" + text
    plain = text.replace("_", r"\_")
    return plain if len(text) == 1 else rf"\mathrm{{{plain}}}"


def latex(node: L.Node) -> str:
    """Any layout node."""
    return _PRINTERS[type(node)](node)


#: What a fraction's bar or a root's sign already holds together needs no brackets here.
_HELD = {L.Fraction: L.PRODUCT, L.Root: L.ATOM}


def inside(node: L.Node, least: int) -> str:
    """A node, in brackets if it binds looser than ``least``."""
    text = latex(node)
    return text if _HELD.get(type(node), L.level(node)) >= least else rf"\left({text}\right)"


def _sum(node: L.Sum) -> str:
    out = ""
    for i, term in enumerate(node.terms):
        if isinstance(term, L.Minus):
            out += (" - " if i else "-") + inside(term.body, L.BIG)
        else:
            out += (" + " if i else "") + inside(term, L.BIG)
    return out


def _product(node: L.Product) -> str:
    last = len(node.factors) - 1
    parts = [inside(f, L.BIG if i == last else L.PRODUCT) for i, f in enumerate(node.factors)]
    out = parts[0]
    for before, part in zip(node.factors, parts[1:], strict=False):
        out += (r" \cdot " if isinstance(before, L.Number) and part[:1].isdigit() else r" \, ") + part
    return out


def _power(node: L.Power) -> str:
    return f"{inside(node.base, L.ATOM)}^{{{latex(node.exponent)}}}"


def _call(node: L.Call) -> str:
    arguments = ", ".join(map(latex, node.arguments))
    if node.name == "abs":
        return rf"\left|{arguments}\right|"
    upright = node.name.replace("_", r"\_")
    head = f"\\{node.name}" if node.name in FUNCTIONS else rf"\operatorname{{{upright}}}"
    return rf"{head}\left({arguments}\right)"


def _element(node: L.Element) -> str:
    head = name(node.name)
    return f"{head}_{{{','.join(map(latex, node.indices))}}}" if node.indices else head


def _big(node: L.Big) -> str:
    below = ",".join(map(latex, node.letters))
    conditions = r",\; ".join(map(latex, node.conditions))
    if conditions:
        below = rf"\substack{{{below} \\ {conditions}}}"
    head = f"{OPERATORS[node.op]}_{{{below}}}"
    return head if node.body is None else f"{head} {inside(node.body, L.BIG)}"


def _choice(node: L.Choice) -> str:
    rows: list[str] = []
    rest: L.Node = node
    while isinstance(rest, L.Choice):
        rows.append(rf"{latex(rest.then)} & \text{{if }} {latex(rest.condition)}")
        rest = rest.otherwise
    rows.append(rf"{latex(rest)} & \text{{otherwise}}")
    return r"\begin{cases} " + r" \\ ".join(rows) + r" \end{cases}"


def _chain(node: L.Chain) -> str:
    out = inside(node.items[0], L.SUM)
    for relation, item in zip(node.relations, node.items[1:], strict=True):
        out += f" {RELATIONS[relation]} {inside(item, L.SUM)}"
    return out


def _junction(node: L.Junction) -> str:
    return rf" \text{{ {node.op} }} ".join(inside(part, L.RELATION) for part in node.parts)


_PRINTERS: dict[type[L.Node], Callable[..., str]] = {
    L.Word: lambda n: name(n.text),
    L.Number: lambda n: n.text,
    L.Sum: _sum,
    L.Minus: lambda n: "-" + inside(n.body, L.BIG),
    L.Product: _product,
    L.Elementwise: lambda n: r" \odot ".join(inside(f, L.POWER) for f in n.factors),
    L.Fraction: lambda n: rf"\frac{{{latex(n.top)}}}{{{latex(n.bottom)}}}",
    L.Floor: lambda n: rf"\left\lfloor \frac{{{latex(n.top)}}}{{{latex(n.bottom)}}} \right\rfloor",
    L.Ceil: lambda n: rf"\left\lceil \frac{{{latex(n.top)}}}{{{latex(n.bottom)}}} \right\rceil",
    L.Power: _power,
    L.Root: lambda n: rf"\sqrt{{{latex(n.body)}}}",
    L.Call: _call,
    L.Element: _element,
    L.Group: lambda n: rf"\left[{', '.join(map(latex, n.items))}\right]",
    L.Big: _big,
    L.Choice: _choice,
    L.Bracket: lambda n: rf"\left[{latex(n.condition)}\right]",
    L.Chain: _chain,
    L.Junction: _junction,
    L.Not: lambda n: rf"\text{{not }} {inside(n.body, L.RELATION)}",
    L.Modulo: lambda n: rf"{inside(n.top, L.PRODUCT)} \bmod {inside(n.bottom, L.PRODUCT)}",
}


# ------------------------------------------------------------------------------ documents


def formula(f: Formula) -> str:
    """A formula, its where, only and for lines below it."""
    guard = rf" \quad \text{{if }} {_listed(f.guard)}" if f.guard else ""
    if f.otherwise:
        guard += rf" \text{{, else }} {f.otherwise}"
    lines = [f"{latex(f.left)} &{RELATIONS[f.relation]} {latex(f.right)}{guard}"]
    for i, (a, b) in enumerate(f.where):
        head = r"\quad" if i else r"\text{where}"
        lines.append(rf"&{head}\; {latex(a)} = {latex(b)}")
    for head, nodes in (("only", f.only), ("for", f.over)):
        if nodes:
            lines.append(rf"&\text{{{head} }} {_listed(nodes)}")
    return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"


def _listed(nodes: Iterable[L.Node]) -> str:
    return r",\; ".join(map(latex, nodes))


def ranges(block: Block) -> str:
    """The ranges of a block's letters."""
    return rf"\text{{over }} {_listed(block.over)}"


def _words(text: str) -> str:
    """Prose, what LaTeX reads as its own signs escaped."""
    return re.sub(r"([_%#&])", r"\\\1", text)


def to_latex(document: Document) -> str:
    """A document of display formulas, each block under a heading in a comment."""
    parts = []
    for block in document.blocks:
        about = ", ".join(rf"{name(n)}: {latex(shape)}" for n, shape in block.about)
        parts.append(f"% {block.title}")
        parts += [f"% {sentence}" for sentence in block.says]
        parts += [rf"\[ {about} \]"] if about else []
        parts += [f"\\[\n{formula(f)}\n\\]" for f in block.formulas]
        parts += [rf"\[ {ranges(block)} \]"] if block.over else []
        parts += ["\\begin{verbatim}", *block.code, "\\end{verbatim}"] if block.code else []
        parts += [f"% {head}: {', '.join(items)}" for head, items in block.notes]
        for head, sentences in block.prose:
            words = " ".join(s.filled(lambda n: rf"\({latex(n)}\)", _words) for s in sentences)
            parts.append(rf"\textit{{{head.capitalize()}.}} {words}")
        parts.append("")
    return "\n".join(parts)
