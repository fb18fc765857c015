"""What is to be checked and how, as plain data: it travels to workers, and a command line is made from it."""

from __future__ import annotations

from dataclasses import dataclass


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
