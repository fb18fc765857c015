"""Values of the hyperparameters that a case leaves open, by its kind."""

from __future__ import annotations

from typing import Any

from sympy import Basic, oo

from derive.program import INF, Parameter, Program

#: A default that no case of a few steps or points comes to (what begins after a million steps), and one that it does.
_BEYOND, _REACHED = 1e5, 3.0


def hyperparameters(program: Program, kind: str) -> dict[str, object]:
    """Values of the symbolic hyperparameters: defaults, or all moved away from them.

    In the asymmetric case whole numbers differ place by place: no stride equals a dilation, nor height's width's.
    In the large one those above 1 are 1: windows that lie side by side by default overlap.  In the tied one the first
    that is 0 is 1, alone: a padding that no other number makes up for.
    """
    taken: list[set[int]] = [set(), set(), set()]
    found: dict[str, object] = {}
    for p in filter(is_symbolic, program.parameters):
        if kind == "large" and p.kind == "Int" and not p.required and max(_bases(p)) > 1:
            fewer = tuple(min(b, 1) for b in _bases(p))
            found[p.name] = fewer if p.length else fewer[0]
        if kind == "ties" and p.kind == "Int" and not p.required and not any(_bases(p)) and not found:
            found[p.name] = (1,) * p.length if p.length else 1
        if kind not in ("asymmetric", "equal") and not p.required:
            continue
        if p.kind == "Int":
            whole = _wholes(p, kind, taken)
            found[p.name] = tuple(whole) if p.length else whole[0]
        elif p.kind == "Real":
            moved = [0.7 * (b if abs(b) < _BEYOND else _REACHED) + 0.05 + 0.01 * i for i, b in enumerate(_floats(p))]
            found[p.name] = tuple(moved) if p.length else moved[0]
    return found


def _wholes(p: Parameter, kind: str, taken: list[set[int]]) -> list[int]:
    chosen: list[int] = []
    for i, base in enumerate(_bases(p)):
        used = taken[min(i, 2)] | set(chosen) if kind == "asymmetric" else set()
        chosen.append(next((v for v in (base + 1, base + 2, base) if v not in used), base + 3))
        taken[min(i, 2)].add(chosen[-1])
    return chosen


def _bases(p: Parameter) -> list[int]:
    """The default whole numbers, place by place; 1 where it is an expression, or there is none."""
    default: Any = p.default
    values = default if isinstance(default, (tuple, list)) else [default] * max(p.length, 1)
    return [int(v) if isinstance(v, int) or getattr(v, "is_Integer", False) else 1 for v in values]


def plain(value: Any) -> Any:
    """SymPy's numbers as Python's."""
    if isinstance(value, (tuple, list)):
        return tuple(plain(v) for v in value)
    if isinstance(value, Basic):
        return int(value) if value.is_Integer else float(value.subs(INF, oo))
    return value


def is_symbolic(p: Parameter) -> bool:
    """Whether a hyperparameter is still to be given a number."""
    return not p.structural and p.value is None and (p.required or p.default is not None)


def _floats(p: Parameter) -> list[float]:
    default: Any = p.default if p.default is not None else 0.4
    values = default if isinstance(default, (tuple, list)) else [default] * max(p.length, 1)
    try:
        return [float(v) for v in values]
    except TypeError:  # an expression over other hyperparameters
        return [0.4] * max(p.length, 1)
