"""``torch.nn.functional`` with every derivative derived: same names, arguments and defaults."""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(f"module 'derive.nn.functional' has no attribute {name!r}")
    from derive.nn.binding import functional

    value = functional(name)
    globals()[name] = value
    return value
