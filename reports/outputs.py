"""Reports as files: whole or not at all, and refused before the work is done rather than after."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping

from derive.errors import InputError


def writable(paths: Mapping[str, str]) -> None:
    """Each report's path may be written; raises for the first that may not.  ``paths``: option -> path."""
    seen: dict[str, str] = {}
    for option, path in paths.items():
        folder = os.path.dirname(os.path.abspath(path))
        if os.path.isdir(path) or path.endswith(os.sep):
            raise InputError(f"{option} {path} is a folder", mend="name a file in it")
        if not os.path.isdir(folder):
            raise InputError(f"{option} {path}: there is no folder {folder}", mend=f"make it first: mkdir -p {folder}")
        if os.path.lexists(path) and not os.path.isfile(path):
            raise InputError(f"{option} {path} is no ordinary file", mend="name another file")
        if not os.access(path if os.path.exists(path) else folder, os.W_OK) or not os.access(folder, os.W_OK):
            raise InputError(f"{option} {path} cannot be written here", mend="name a folder you may write to")
        other = seen.setdefault(os.path.realpath(path), option)
        if other != option:
            raise InputError(f"{other} and {option} name the same file {path}", mend="give each report its own file")


def write(path: str, text: str) -> None:
    """The file is what it was or what it shall be, never a part."""
    path = os.path.realpath(path)
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".derive-")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except OSError as error:
        if temporary and os.path.exists(temporary):
            os.unlink(temporary)
        raise InputError(f"{path} cannot be written: {error.strerror}", mend="name another file") from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def append(path: str, text: str) -> None:
    """At the end of a file that others write to as well."""
    try:
        with open(path, "a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}", mend="check the path") from error
