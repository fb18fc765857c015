"""How axes and names are said in messages; extents as numbers."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from sympy import Expr, Symbol

from derive.closures import Compiler
from derive.fields import FLOAT
from derive.language.notation import expression_text
from derive.program import Axis, Size, Tensor

Shape = tuple[int, ...]


def evaluate(e: Expr, values: Mapping[Symbol, Any]) -> int:
    if e.is_Integer:
        return int(e)
    if isinstance(e, Symbol) and e in values:
        return int(values[e])
    return int(Compiler(FLOAT, values).index(e)({}))


def lone_pack(axis: Axis) -> Size | None:
    """The pack a whole axis stands for, if it does."""
    extent = axis[0].extent if len(axis) == 1 else None
    return extent if isinstance(extent, Size) and extent.is_pack else None


def axis_text(axis: Axis) -> str:
    names = [_extent_text(part.extent) for part in axis]
    return names[0] if len(names) == 1 else f"[{', '.join(names)}]"


def _extent_text(e: Expr) -> str:
    return e.name if isinstance(e, Size) else expression_text(e)


def declared(tensor: Tensor) -> str:
    """The declaration, as the definition has it."""
    kind = tensor.kind.capitalize()
    return f"{kind}[{', '.join(map(axis_text, tensor.axes))}]" if tensor.axes else kind


def shape_text(shape: Shape) -> str:
    return f"({', '.join(map(str, shape))})"


def nearest(name: str, known: list[str]) -> str:
    close = get_close_matches(name, known, n=1)
    listed = f"it has {', '.join(known)}" if known else "it has none"
    return f"did you mean {close[0]}?" if close else listed
