"""Where a verdict points, as the readers of SARIF and of GitHub's annotations want it."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote


def place(where: str) -> tuple[str, int]:
    """``ops.py:14`` -> ("ops.py", 14), the file as seen from the folder of the run; ("", 0) where there is none."""
    file, _, line = where.rpartition(":")
    if not file or not line.isdecimal():
        return "", 0
    near = os.path.relpath(file) if os.path.isabs(file) else os.path.normpath(file)
    return (file if near.startswith("..") else near), max(int(line), 1)


def uri(file: str) -> str:
    """A path as a URI: relative ones stay so, outside the folder of the run they are ``file://``."""
    return Path(file).as_uri() if os.path.isabs(file) else quote(Path(file).as_posix())
