"""``derive.optim``: torch's optimizers, and those torch lacks, whose numbers are code generated from the catalogue.

``derive.optim.AdamW(params, lr=1e-3)`` takes what ``torch.optim.AdamW`` takes and keeps the same state; a name is made
when first used, so that importing this loads no torch.
"""

from __future__ import annotations

from typing import Any

from derive.optim.clipping import clip_grad_norm_, clip_grad_value_
from derive.optim.table import OWN, TORCHS

__all__ = [*TORCHS, *OWN, "clip_grad_norm_", "clip_grad_value_"]


def __getattr__(name: str) -> Any:
    if name in TORCHS or name in OWN:
        from derive.optim.factory import optimizer_class

        made = globals()[name] = optimizer_class(name)
        return made
    raise AttributeError(f"module 'derive.optim' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
