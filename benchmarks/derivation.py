"""Deriving in process, from load to the simplified vjp: each catalogue entry, and all of them together."""

from __future__ import annotations

import math
import time

from benchmarks.measure import Row, interleaved

BAR_MS, LARGE_BAR_MS, WHOLE_BAR_S = 50.0, 150.0, 60.0

#: What the larger bar is for: recurrences and attention.
LARGE = ("lstm", "gru", "rnn", "scaled_dot_product_attention", "grouped_query_attention", "multi_head_attention")

#: Families of layers made of many others: timed without a bar.
COMPOSED = ("model", "transformer_stacks", "recurrent_layers")

#: Hyperparameters that have no default.
REQUIRED: dict[str, dict[str, int]] = {
    "group_norm": {"num_groups": 2},
    "transformer_encoder_layer": {"nhead": 2},
    "transformer_decoder_layer": {"nhead": 2},
    "transformer_encoder": {"nhead": 2, "num_layers": 2},
    "transformer_decoder": {"nhead": 2, "num_layers": 2},
}


def rows() -> list[Row]:
    """Milliseconds of ``derive.vjp`` of each entry over its bar; then seconds of the whole catalogue."""
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
        note, held = ("a composition: no bar", math.inf) if family in COMPOSED else ("", 1.0)
        found.append(Row(name, seconds * 1e3, bar, "allowed", held, note=note))
    return [*found, whole()]


def whole() -> Row:
    """CPU seconds of one process that loads and derives every entry once, optimizers too, nothing worked out before."""
    from sympy.core.cache import clear_cache

    import derive
    from derive.language import catalogue_index

    clear_cache()
    start = time.process_time()
    for name in catalogue_index():
        derive.vjp(derive.load(name, **REQUIRED.get(name, {})))
    seconds = time.process_time() - start
    note = f"{len(catalogue_index())} definitions, CPU seconds"
    return Row("whole catalogue", seconds, WHOLE_BAR_S, "allowed", 1.0, "s", note=note)


def fresh(program) -> None:
    """A derivation from nothing: SymPy's own cache is emptied first."""
    from sympy.core.cache import clear_cache

    import derive

    clear_cache()
    derive.vjp(program)
