"""What is to be checked and how, as plain data: it travels to workers, and a command line is made from it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

_DEFINITION = re.compile(r"^(?:@\w+\s*\n)?\s*def\s+(\w+)", re.MULTILINE)


@dataclass(frozen=True)
class Request:
    """One target: a catalogue name, ``file.py:name``, a definition's text, or ``module:attribute``.

    For a user's function: ``inputs`` names what gives example inputs (``module:attribute``), ``shapes`` are shapes to
    draw them in, ``backward`` the other half of a forward/backward pair, ``reference`` an independent forward.
    ``evidence``: also gather what the report draws.
    """

    target: str
    seed: int = 0
    orders: tuple[int, ...] = (1, 2)
    inputs: str = ""
    shapes: tuple[tuple[int, ...], ...] = ()
    backward: str = ""
    reference: str = ""
    evidence: bool = False

    @property
    def is_text(self) -> bool:
        """Whether the target is a definition's own text."""
        return "\n" in self.target

    @property
    def is_definition(self) -> bool:
        """Whether the target is data: a catalogue name, a definition file or a text; else it is code that is run."""
        from derive.verify.targets.resolve import is_reference

        return not is_reference(self.target)

    @property
    def name(self) -> str:
        """What a table calls it: a definition's name, else the target."""
        if self.is_text:
            found = _DEFINITION.findall(self.target)
            return found[-1] if found else "definition"
        return self.target.rpartition(":")[2] if self.is_definition else self.target

    @property
    def command(self) -> str:
        """The command line that asks the same; ``-`` stands for a text."""
        words = ["derive", "check", "-" if self.is_text else self.target, "--seed", str(self.seed)]
        for option in ("inputs", "backward", "reference"):
            words += [f"--{option}", getattr(self, option)] if getattr(self, option) else []
        for shape in self.shapes:
            words += ["--shape", ",".join(map(str, shape))]
        if self.orders != type(self).orders:
            words += ["--orders", ",".join(map(str, self.orders))]
        return shlex.join(words)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Request:
        """The request of plain data, whose lists are tuples again."""
        known = {f.name: data[f.name] for f in fields(cls) if f.name in data}
        return cls(**{name: _tupled(value) for name, value in known.items()})


def _tupled(value: Any) -> Any:
    return tuple(map(_tupled, value)) if isinstance(value, list | tuple) else value
