"""Printed results kept between processes: one JSON file per sha256 of definition, arguments and the tool's own source.

A missing, corrupt or unwritable cache is as if there were none.  Imports neither sympy nor the derivation.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

SCHEMA = 1

#: More files than this are thinned out, oldest first, when one is written.
MOST_FILES = 1000


def folder() -> Path:
    """``$DERIVE_CACHE_DIR``, else the user's cache folder."""
    chosen = os.environ.get("DERIVE_CACHE_DIR")
    if chosen:
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "derive"


def key(*parts: object) -> str:
    """The sha256 of the parts (JSON values), of the tool's source and of the libraries it stands on."""
    text = json.dumps([SCHEMA, sys.version_info[:3], [*_sources()], parts], default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _sources() -> Iterator[tuple[str, int, int]]:
    """(path, size, time of change) of every file the result depends on."""
    here = Path(__file__).resolve().parent
    checkout = not (here.parent / "program.py").exists()
    roots = [here.parent / "derive", here] if checkout else [here.parent]
    files = [*(str(here.parent / "cli.py") for _ in range(checkout))]
    for root in roots:
        files += _python_files(str(root))
    sympy = find_spec("sympy")
    if sympy and sympy.origin:
        files.append(str(Path(sympy.origin).with_name("release.py")))
    for path in files:
        stat = os.stat(path)
        yield path, stat.st_size, stat.st_mtime_ns


def _python_files(root: str) -> list[str]:
    found: list[str] = []
    with os.scandir(root) as entries:
        for entry in sorted(entries, key=lambda e: e.name):
            if entry.is_dir() and entry.name != "__pycache__":
                found += _python_files(entry.path)
            elif entry.name.endswith(".py"):
                found.append(entry.path)
    return found


def load(name: str) -> str | None:
    """The kept text, or None."""
    try:
        entry = json.loads((folder() / f"{name}.json").read_text(encoding="utf-8"))
        kept = entry["text"] if entry["schema"] == SCHEMA and entry["key"] == name else None
    except (OSError, ValueError, KeyError, TypeError, RuntimeError):
        return None
    return kept if isinstance(kept, str) else None


def store(name: str, text: str) -> None:
    """Keeps a text; a folder that cannot be written is no error."""
    with suppress(OSError, RuntimeError):
        where = folder()
        where.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=where, prefix=".new-")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump({"schema": SCHEMA, "key": name, "text": text}, file)
            os.replace(temporary, where / f"{name}.json")
        except OSError:
            os.unlink(temporary)
            raise
        _thin_out(where)


def _thin_out(where: Path) -> None:
    files = list(where.glob("*.json"))
    if len(files) > MOST_FILES:
        files.sort(key=lambda f: (f.stat().st_mtime, f.name))
        for file in files[: len(files) // 2]:
            file.unlink(missing_ok=True)
