"""What torch's modules reach besides ``F``: ``_VF`` and ``torch``, with derived functions in their places."""

from __future__ import annotations

import functools
from typing import Any


class Namespace:
    """Another namespace, some of its names leading elsewhere."""

    def __init__(self, original: Any, others: dict[str, Any]) -> None:
        self.__dict__.update(others)
        self._original = original

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_original"], name)


class _Closed(Namespace):
    """A namespace of which nothing else is to be used."""

    def __getattr__(self, name: str) -> Any:
        from derive.nn.binding import without_definition

        raise without_definition(name)


@functools.cache
def torch_itself() -> Namespace:
    """``torch``, its functions on tensors that have a definition derived."""
    import torch

    from derive.nn.binding import bound, definitions

    slow = Namespace(torch.backends, {"mha": Namespace(torch.backends.mha, {"get_fastpath_enabled": lambda: False})})
    leaves = {name.removeprefix("_C._nn."): bound(name) for name in definitions() if name.startswith("_C._nn.")}
    others: dict[str, Any] = {name: bound(name) for name in definitions() if "." not in name}
    others |= {"backends": slow, "_C": Namespace(torch._C, {"_nn": _Closed(torch._C._nn, leaves)})}
    return Namespace(torch, others)


@functools.cache
def variable_functions() -> Namespace:
    """``torch._VF``: the recurrent layers and cells."""
    from torch import _VF

    from derive.nn.arguments import READINGS
    from derive.nn.binding import bound, definitions

    words = [name for name in (*definitions(), *READINGS) if name.startswith("_VF.")]
    return _Closed(_VF, {name.removeprefix("_VF."): bound(name) for name in words})


@functools.cache
def cross_map() -> Namespace:
    """The autograd.Function of CrossMapLRN2d: its ``apply``."""
    from derive.nn.binding import bound

    return Namespace(None, {"apply": bound("_cross_map_lrn2d.apply")})
