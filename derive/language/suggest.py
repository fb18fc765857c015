"""The nearest of the names that exist."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The closest of the known names, or None if none is close."""
    found = difflib.get_close_matches(name, list(dict.fromkeys(known)), 1, 0.6)
    return found[0] if found else None
