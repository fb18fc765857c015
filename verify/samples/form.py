"""What the tables hold."""

from __future__ import annotations

#: name -> the settings; ``None`` for an input means that it is absent.
Settings = dict[str, tuple[dict[str, object], ...]]
