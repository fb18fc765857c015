"""How the tests of the language ask: a text and inputs in, values out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from derive.interpreter import run
from derive.language import parse_text, specialise
from derive.program import Program

Value = Callable[..., Any]


def program_of(text: str, choices: dict[str, Any] | None = None) -> Program:
    """The last definition of a text, made definite."""
    return specialise(parse_text(text)[-1], **(choices or {}))


@pytest.fixture
def load() -> Callable[..., Program]:
    return program_of


@pytest.fixture
def value() -> Value:
    """Values of the outputs; a single one by itself."""

    def of(
        text: str, *, choices: dict[str, Any] | None = None, hypers: dict[str, Any] | None = None, **inputs: Any
    ) -> Any:
        given = {name: np.asarray(x) for name, x in inputs.items()}
        results = run(program_of(text, choices), given, hypers or {})
        values = [np.asarray(v).tolist() for v in results.values()]
        return values[0] if len(values) == 1 else values

    return of
