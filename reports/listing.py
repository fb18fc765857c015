"""What the catalogue holds, and the file that a definition of one's own begins as.  Loads neither SymPy nor torch."""

from __future__ import annotations

import difflib
import json
import keyword
import os
import re
import textwrap
from collections.abc import Sequence

from derive.errors import DeriveError, InputError, UnknownName
from derive.language.find import catalogue_index, torch_names

_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
_EINSUM = "A name may be an einsum equation: derive layer 'bij,jk->bik'."
_MEND = "a family is a file of the catalogue; `derive list` shows them"


def families() -> dict[str, list[str]]:
    """Family → names, in the order written."""
    found: dict[str, list[str]] = {}
    for name, (family, _) in catalogue_index().items():
        found.setdefault(family, []).append(name)
    return found


def to_text(chosen: Sequence[str]) -> str:
    """All families in a few lines each; those chosen an entry a line, with torch's names."""
    every = families()
    _known(chosen, every)
    if chosen:
        return "\n".join(_long(family, every[family]) for family in chosen)
    short = "".join(_short(family, names) for family, names in every.items())
    total = sum(map(len, every.values()))
    return f"{short}\n{total} definitions; derive layer NAME shows one, derive list FAMILY a family.\n{_EINSUM}\n"


def _short(family: str, names: list[str]) -> str:
    lines = textwrap.fill("  ".join(names), 78, initial_indent="  ", subsequent_indent="  ")
    return f"{family} ({len(names)})\n{lines}\n"


def _long(family: str, names: list[str]) -> str:
    """``softmax      nn.Softmax, nn.functional.softmax``"""
    width, torchs = max(map(len, names)), torch_names()
    lines = [f"{family} ({len(names)})"]
    for name in names:
        known = ", ".join(torchs.get(name, ())) or "–"
        lines += textwrap.wrap(known, 78, initial_indent=f"  {name:{width}}  ", subsequent_indent=" " * (width + 4))
    return "\n".join(lines) + "\n"


def to_json(chosen: Sequence[str]) -> str:
    """Names by family, and torch's names by name."""
    every = families()
    _known(chosen, every)
    picked = {f: names for f, names in every.items() if not chosen or f in chosen}
    torchs = {n: list(torch_names()[n]) for names in picked.values() for n in names if n in torch_names()}
    return json.dumps({"schema": "derive.list/1", "families": picked, "torch": torchs}, indent=2) + "\n"


def _known(chosen: Sequence[str], every: dict[str, list[str]]) -> None:
    for family in chosen:
        if family not in every:
            close = difflib.get_close_matches(family, every, 2, 0.5)
            mend = f"did you mean {' or '.join(close)}?" if close else _MEND
            raise UnknownName(f"there is no family {family!r}", mend=mend)


# ------------------------------------------------------------------------------ a file to begin with

_START = '''"""One sentence on what these layers are for."""


# A definition is read and never run.  Letters on the left are free; letters in a reduction's bracket are bound.
# Inputs stand before *, hyperparameters after it; `...` stands for any axes.  Layers of the catalogue and of this
# file are called by name: z = layer_norm(x, weight).  Change what you like, then:
#
#     derive layer {path}            the formulas, forward and backward
#     derive check {path}            whether all of that is true
#     derive generate {path} --target torch -o out
@layer
def {name}(x: Real[..., K], weight: Real[K] = 1, *, eps: Real = 1e-6):
    """Scales the last axis by its root mean square, then each entry by its weight."""
    r[...] = 1/sqrt(mean[k](x[..., k]**2) + eps)
    y[..., k] = weight[k]*x[..., k]*r[...]
    return y
'''


def start(name: str, folder: str) -> str:
    """Writes ``name.py`` into the folder, never over another file; gives its path."""
    stem = name.removesuffix(".py")
    if not _NAME.fullmatch(stem) or keyword.iskeyword(stem):
        raise InputError(f"{name!r} is no name for a definition",
                         mend="small letters, digits and _, a letter first, 32 at most")  # fmt: skip
    path = os.path.join(folder, f"{stem}.py")
    shown = path if os.sep in path else f"./{path}"
    try:
        with open(path, "x", encoding="utf-8") as file:
            file.write(_START.format(name=stem, path=shown))
    except FileExistsError:
        raise InputError(f"{path} is already there", mend="choose another name, or remove it") from None
    except OSError as error:
        raise DeriveError(f"cannot write {path}: {error.strerror or error}",
                          mend="choose a folder that you may write to") from error  # fmt: skip
    return path
