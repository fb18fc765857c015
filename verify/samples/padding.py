"""Settings: pads."""

from __future__ import annotations

from derive.verify.samples.form import Settings

_PADDING: dict[int, tuple[tuple[int, ...], ...]] = {
    1: ((2, 1), (0, -1)),
    2: ((2, 0, 1, -1), (1, 2, 0, 1)),
    3: ((1, 0, 0, 1, 2, 1),),
}


def _row(name: str, padding: tuple[int, ...]) -> dict[str, object]:
    """What a circular pad takes is not negative; a constant one has a value."""
    if name == "circular":
        return {"padding": tuple(map(abs, padding))}
    return {"padding": padding, **({"value": 0.7} if name == "constant" else {})}


SETTINGS: Settings = {
    f"{name}_pad{rank}d": tuple(_row(name, p) for p in paddings)
    for name in ("constant", "reflection", "replication", "circular")
    for rank, paddings in _PADDING.items()
}
