"""``torch.nn`` with every derivative derived: ``import derive.nn as nn`` in place of ``import torch.nn as nn``.

A class here is torch's own, constructor, parameters, repr and all, whose methods reach derived functions where
torch's reach ``torch.nn.functional`` (``modules.py``); those functions are the catalogue's definitions bound to
torch's arguments (``functional.py``).  Containers, ``Parameter``, ``init`` and ``utils`` are torch's objects
themselves, and ``converted(model)`` makes a model of torch's classes one of these, in place.  torch is imported
when a name is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["converted", "functional"]


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(f"module 'derive.nn' has no attribute {name!r}")
    if name == "functional":
        return import_module("derive.nn.functional")
    if name == "converted":
        return import_module("derive.nn.modules").converted
    value = import_module("derive.nn.modules").attribute(name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    import torch

    return sorted({*globals(), *(n for n in dir(torch.nn) if not n.startswith("_"))})
