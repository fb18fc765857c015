"""What a sweep is to cover: targets named, their share of it, and what was never reported."""

from __future__ import annotations

import ast
import contextlib
import difflib
import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence

from derive.errors import DefinitionError, InputError, UnknownName
from derive.verify.request import Request
from derive.verify.targets.resolve import is_operation
from derive.verify.verdict import FAILED, Row, Verdict

NOT_RUN = "not run"


def targets(names: Sequence[str], all_: bool = False) -> list[str]:
    """Each target once, files as the definitions they hold, then the catalogue; a name of nothing raises at once."""
    from derive.language.find import catalogue_index

    found = [one for name in names for one in _single(name)]
    return list(dict.fromkeys([*found, *(catalogue_index() if all_ else ())]))


def _single(name: str) -> Iterator[str]:
    from derive.language.find import definitions_in, load_definition

    request = Request(name)
    if request.is_text:
        yield name
    elif not request.is_definition:
        _importable(name)
        yield name
    elif os.path.isfile(name):
        yield from _definitions(name, definitions_in)
    else:
        with contextlib.suppress(DefinitionError):  # there, and wrong: its check says where
            load_definition(name)
        yield name


def _definitions(path: str, names_in) -> list[str]:  # type: ignore[no-untyped-def]
    """A file without a name means every definition in it; one that cannot be read says so in its check."""
    try:
        with open(path, encoding="utf-8") as file:
            return [f"{path}:{name}" for name in names_in(file.read())] or [path]
    except (SyntaxError, ValueError, OSError):
        return [path]


def _importable(target: str) -> None:
    """``module:attribute`` names a module that can be found; whether it can be imported its check says."""
    import importlib.util
    import sys

    module, _, attribute = target.partition(":")
    if is_operation(target):
        return
    top = module.partition(".")[0]
    mend = "write module:attribute, as in my_ops:Square; run it from the folder that holds my_ops.py"
    here = os.getcwd()
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        found = top in sys.modules or importlib.util.find_spec(top) is not None
    except (ImportError, ValueError):
        found = False
    if not found:
        near = [e.name.removesuffix(".py") for e in os.scandir(here) if e.name.endswith(".py") or e.is_dir()]
        close = difflib.get_close_matches(top, sorted(near), 1, 0.6)
        raise UnknownName(f"no module named {top!r}", mend=f"did you mean {close[0]}:{attribute}?" if close else mend)


def where(target: str) -> str:
    """``file:line`` of a definition, as seen from here; empty where it has none."""
    from derive.language.find import catalogue_index

    name = target.rpartition(":")[2]
    _, path = catalogue_index().get(target, ("", target.rpartition(":")[0]))
    try:
        with open(path, encoding="utf-8") as file:
            found = [n.lineno for n in ast.parse(file.read()).body if isinstance(n, ast.FunctionDef) and n.name == name]
    except (SyntaxError, ValueError, OSError):
        return ""
    return f"{relative(path)}:{found[-1]}" if found else ""


def relative(file: str) -> str:
    """The path as a person in this folder would write it."""
    near = os.path.relpath(file)
    return os.path.abspath(file) if near.startswith("..") else near


# ------------------------------------------------------------------------------ shares


def share_of(text: str) -> tuple[int, int]:
    """``2/4``, the second of four, as (2, 4)."""
    i, slash, n = text.partition("/")
    if slash and i.isdecimal() and n.isdecimal() and 1 <= int(i) <= int(n):
        return int(i), int(n)
    raise InputError(f"{text!r} is no shard", mend="write i/n with i from 1 to n, as in 2/4")


def share(names: Sequence[str], i: int, n: int) -> list[str]:
    """The i-th of n shares: every name is in exactly one, by its digest, and shares differ by at most one in size."""
    dealt = sorted(names, key=lambda name: hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest())
    mine = set(dealt[i - 1 :: n])
    return [name for name in names if name in mine]


# ------------------------------------------------------------------------------ what is missing


def completed(names: Sequence[str], verdicts: Iterable[Verdict]) -> list[Verdict]:
    """A verdict a name, in that order: of two the worse, and a failed one where there is none."""
    by_target: dict[str, Verdict] = {}
    for verdict in verdicts:
        before = by_target.get(verdict.target)
        if before is None or _worse(verdict, before):
            by_target[verdict.target] = verdict
    return [by_target[name] if name in by_target else not_run(name) for name in names]


def _worse(one: Verdict, other: Verdict) -> bool:
    order = (5, 0, 1)
    return order.index(one.exit_code) > order.index(other.exit_code)


def not_run(target: str) -> Verdict:
    """Nothing was heard of it, and that is no pass."""
    request = Request(target)
    row = Row(NOT_RUN, "", FAILED, detail="no verdict came back: the shard or the process that had it did not finish")
    return Verdict(request.name, (row,), request.command, target)
