"""Where a definition is: the catalogue, a file, or the text itself.  Loads neither SymPy nor anything of the kind."""

from __future__ import annotations

import ast
import difflib
import functools
import os
import re
import stat
from pathlib import Path

from derive.errors import DefinitionError, Place, UnknownName
from derive.language.definition import Definition
from derive.language.einsum import einsum, is_equation
from derive.language.limits import TEXT_BYTES
from derive.language.parse import parse_text

CATALOGUE = Path(__file__).resolve().parent.parent / "catalogue"
_MEND = "give a catalogue name, path/to/file.py:name, or a definition's text; `derive list` shows the names"
_DEF = re.compile(r"^def ([A-Za-z_]\w*)\s*\(", re.MULTILINE)
_TORCH = re.compile(r"""^@\w+\(torch=["']([\w. ]*)["']\)\s*^def ([A-Za-z_]\w*)""", re.MULTILINE)


@functools.lru_cache(maxsize=1)
def catalogue_index() -> dict[str, tuple[str, str]]:
    """Name → (family, file) of everything in the catalogue, by family, in the order written."""
    index: dict[str, tuple[str, str]] = {}
    for path in sorted(CATALOGUE.glob("*.py")):
        if path.name.startswith("_"):
            continue
        text = path.read_text(encoding="utf-8")
        for name in _DEF.findall(text):
            if name in index:
                raise DefinitionError(f"{name} is defined in two families", place=Place(str(path), 1))
            index[name] = (path.stem, str(path))
    return index


@functools.lru_cache(maxsize=1)
def torch_names() -> dict[str, tuple[str, ...]]:
    """Catalogue name → what torch calls it: ``conv2d`` → ``("nn.Conv2d",)``."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(CATALOGUE.glob("*.py"))]
    return {name: tuple(names.split()) for text in texts for names, name in _TORCH.findall(text)}


@functools.lru_cache(maxsize=64)
def _parsed(path: str) -> tuple[Definition, ...]:
    file = os.path.relpath(path) if not path.startswith(str(CATALOGUE)) else f"derive/catalogue/{Path(path).name}"
    return parse_text(_read(path), file)


def catalogue_definition(name: str) -> Definition | None:
    """The catalogue's definition of that name, or None."""
    entry = catalogue_index().get(name)
    if entry is None:
        return None
    return next(d for d in _parsed(entry[1]) if d.name == name)


def definition_called(name: str, near: Definition) -> Definition | None:
    """The definition a call means: of the same file first, then of the catalogue."""
    return near.siblings.get(name) or catalogue_definition(name)


def load_definition(target: str | os.PathLike[str]) -> Definition:
    """A catalogue name, an einsum equation, ``path.py``, ``path.py:name``, or a definition's text."""
    target = os.fspath(target) if isinstance(target, os.PathLike) else target
    if not isinstance(target, str):
        raise UnknownName(f"expected a name, a path or a text, not {type(target).__name__}", mend=_MEND)
    if "\n" in target or re.match(r"\s*(@|def\b|import\b|from\b)", target):
        return parse_text(target)[-1]
    name = target.strip()
    known = catalogue_definition(name)
    if known:
        return known
    if is_equation(name):
        return einsum(name)
    path, _, which = name.rpartition(":")
    if not path or not which.isidentifier():
        path, which = name, ""
    if _looks_like_path(path):
        return _from_file(path, which)
    if name == "einsum":
        raise UnknownName("einsum is a definition for each equation", mend="write the equation: 'bij,jk->bik'")
    close = difflib.get_close_matches(name.lower(), catalogue_index(), 3, 0.6)
    shown = name if len(name) <= 60 else name[:57] + "…"
    raise UnknownName(f"no definition named {shown!r}", mend=f"did you mean {' or '.join(close)}?" if close else _MEND)


def _looks_like_path(path: str) -> bool:
    if "\0" in path or len(path) > 4096:
        return False
    return path.endswith(".py") or "/" in path or os.sep in path or os.path.exists(path)


def _from_file(path: str, which: str) -> Definition:
    definitions = parse_text(_read(path), path)
    if not which:
        return definitions[-1]
    found = {d.name: d for d in definitions}
    if which not in found:
        close = difflib.get_close_matches(which, found, 1, 0.5)
        mend = f"did you mean {path}:{close[0]}?" if close else f"it holds {', '.join(found)}"
        raise UnknownName(f"{path} holds no definition named {which!r}", mend=mend)
    return found[which]


def _read(path: str) -> str:
    try:
        if os.path.isdir(path):
            raise UnknownName(f"{path} is a directory", mend="give a file in it: folder/layer.py:name")
        if not stat.S_ISREG(os.stat(path).st_mode):  # a device or a pipe has no end
            raise UnknownName(f"{path} is no ordinary file", mend="give a text file; `-` reads standard input")
        with open(path, "rb") as file:
            data = file.read(TEXT_BYTES + 1)
        if len(data) > TEXT_BYTES:
            message = f"the file has {os.path.getsize(path)} bytes, over the limit of {TEXT_BYTES}"
            raise DefinitionError(message, place=Place(path, 1), mend="split it into several files")
    except FileNotFoundError:
        raise UnknownName(f"there is no file {path}", mend=_missing(path)) from None
    except OSError as error:
        raise UnknownName(
            f"{path} cannot be read: {error.strerror}", mend="check the path and its permissions"
        ) from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        message = f"the file is not UTF-8 (byte 0x{data[error.start]:02x} at {error.start})"
        raise DefinitionError(message, place=Place(path, line), mend="save it as UTF-8 text") from None


def _missing(path: str) -> str:
    if os.path.islink(path):
        return f"it is a link to {os.readlink(path)}, which does not exist"
    stem = Path(path).stem
    if stem in catalogue_index():
        return f"did you mean the catalogue's {stem}?"
    folder = Path(path).parent
    try:
        names = sorted(p.name for p in folder.glob("*.py"))
    except OSError:
        names = []
    close = difflib.get_close_matches(Path(path).name, names, 1, 0.6)
    return f"did you mean {folder / close[0]}?" if close else "check the path"


def definitions_in(text: str) -> tuple[str, ...]:
    """The names a text defines, read from its tree alone."""
    return tuple(n.name for n in ast.parse(text).body if isinstance(n, ast.FunctionDef))
