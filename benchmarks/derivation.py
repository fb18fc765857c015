"""Deriving each catalogue entry in process: load, vjp, simplify."""

from __future__ import annotations

import math

from benchmarks.measure import Row, interleaved

BAR_MS, LARGE_BAR_MS = 50.0, 150.0

#: What the larger bar is for: recurrences and attention.  Whole models are timed without a bar.
LARGE = ("lstm", "gru", "rnn", "scaled_dot_product_attention")

#: Hyperparameters that have no default.
REQUIRED: dict[str, dict[str, int]] = {"group_norm": {"num_groups": 2}}


def rows() -> list[Row]:
    """Milliseconds of ``derive.vjp(derive.load(name))``, each entry over its bar."""
    import derive
    from derive.language import catalogue_index

    found = []
    for name, (family, _) in catalogue_index().items():
        if family == "optimizer":
            continue
        choices = REQUIRED.get(name, {})
        program = derive.load(name, **choices)
        seconds = interleaved({name: lambda p=program: fresh(p)}, rounds=3, warm=1)[name]
        bar = LARGE_BAR_MS if name in LARGE else BAR_MS
        note, held = ("a composition: no bar", math.inf) if family == "model" else ("", 1.0)
        found.append(Row(name, seconds * 1e3, bar, "allowed", held, note=note))
    return found


def fresh(program) -> None:
    """A derivation from nothing: SymPy's own cache is emptied first."""
    from sympy.core.cache import clear_cache

    import derive

    clear_cache()
    derive.vjp(program)
