"""derive: write a layer once, as forward equations; get its gradients, its code and the proof."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_ROOT = Path(__file__).resolve().parent.parent
if (_ROOT / "verify" / "__init__.py").is_file() and (_ROOT / "cli.py").is_file():
    # A checkout: ``derive.verify``, ``derive.reports`` and ``derive.cli`` are the folders beside this one.
    __path__.append(str(_ROOT))

#: The public doors and the module each lives in; imported when first used, so that start-up is cheap.
_DOORS = {
    "load": "derive.doors",
    "vjp": "derive.doors",
    "jvp": "derive.doors",
    "generate": "derive.doors",
    "function": "derive.doors",
}

if TYPE_CHECKING:
    from derive.doors import function, generate, jvp, load, vjp

__all__ = ["function", "generate", "jvp", "load", "vjp"]


def __getattr__(name: str) -> Any:
    if name in _DOORS:
        return getattr(import_module(_DOORS[name]), name)
    if name in ("verify", "reports", "nn", "optim"):
        return import_module(f"derive.{name}")
    raise AttributeError(f"module 'derive' has no attribute {name!r}")
