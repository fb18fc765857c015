"""Frozen records made without ``exec``: the methods dataclasses compile for each class cost a process start too much.

``@record`` takes the place of ``@dataclass(frozen=True)`` for plain fields with plain defaults.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import FrozenInstanceError
from inspect import get_annotations
from typing import Any, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def record(cls: type[T]) -> type[T]:
    """The class with a constructor of its annotated fields, equality and hash by value, and no assignment."""
    names = tuple(dict.fromkeys(n for c in reversed(cls.__mro__) for n in get_annotations(c)))
    defaults = {n: getattr(cls, n) for n in names if hasattr(cls, n)}
    methods: dict[str, Any] = {
        "__init__": _constructor(cls.__name__, names, defaults),
        "__eq__": _equals,
        "__hash__": _hash,
        "__repr__": _repr,
        "__setattr__": _frozen,
        "__delattr__": _frozen,
        "__match_args__": names,
    }
    for name, method in methods.items():
        setattr(cls, name, method)
    return cls


def replace(instance: T, **changes: Any) -> T:
    """The record with some fields changed."""
    return type(instance)(**{**vars(instance), **changes})


def _constructor(title: str, names: tuple[str, ...], defaults: dict[str, Any]) -> Callable[..., None]:
    known = frozenset(names)

    def __init__(self: Any, *values: Any, **named: Any) -> None:
        if len(values) == len(names) and not named:
            self.__dict__.update(zip(names, values, strict=True))
            return
        given = dict(zip(names, values, strict=False))
        if len(values) > len(names) or not named.keys() <= known or named.keys() & given.keys():
            raise TypeError(f"{title} takes each of {', '.join(names)} at most once")
        given = {**defaults, **given, **named}
        if len(given) < len(names):
            raise TypeError(f"{title} needs {', '.join(n for n in names if n not in given)}")
        self.__dict__.update((n, given[n]) for n in names)

    return __init__


def _values(self: Any) -> tuple[Any, ...]:
    fields = self.__dict__
    return tuple(fields[n] for n in type(self).__match_args__)


def _equals(self: Any, other: object) -> bool:
    if type(other) is not type(self):
        return NotImplemented
    return _values(self) == _values(other)


def _hash(self: Any) -> int:
    return hash(_values(self))


def _repr(self: Any) -> str:
    shown = ", ".join(f"{n}={v!r}" for n, v in zip(type(self).__match_args__, _values(self), strict=True))
    return f"{type(self).__qualname__}({shown})"


def _frozen(self: Any, *_: Any) -> None:
    raise FrozenInstanceError(f"a {type(self).__name__} does not change; make another one")
