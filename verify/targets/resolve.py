"""``module:attribute`` → the object, and where an object is written.

The module is imported, which runs it: the user's own Python is trusted code.
"""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import inspect
import os
import re
import sys
import traceback
from pathlib import Path
from typing import Any

from derive.errors import InputError, UnknownName

_MODULE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_OPERATION = re.compile(r"(?:torch\.ops\.)?(\w+)(?:\.|::)(\w+)(?:\.(\w+))?")


def is_reference(text: str) -> bool:
    """Whether a text has the form ``module:attribute``, ``torch.ops.ns.name`` or ``ns::name``."""
    if "\n" in text:
        return False
    module, colon, attribute = text.partition(":")
    if colon and not attribute.startswith(":") and not os.path.exists(module):
        return bool(_MODULE.fullmatch(module) and _MODULE.fullmatch(attribute)) and not module.endswith(".py")
    return is_operation(text)


def is_operation(text: str) -> bool:
    return bool((text.startswith("torch.ops.") or "::" in text) and _OPERATION.fullmatch(text))


def resolve(reference: str) -> Any:
    """What ``module:attribute`` names; dotted attributes, the working directory first."""
    if is_operation(reference):
        return _operation(reference)
    name, colon, attribute = reference.partition(":")
    if not colon or not _MODULE.fullmatch(name) or not _MODULE.fullmatch(attribute):
        raise InputError(f"{reference!r} is not module:attribute", mend="write for example mypackage.layers:MyFunction")
    found = module(name)
    for part in attribute.split("."):
        owner = found
        try:
            found = getattr(owner, part)
        except AttributeError:
            raise UnknownName(_missing(name, owner, part), mend=_nearest(name, owner, part, attribute)) from None
        except Exception as error:
            raise InputError(f"reading {part} of {reference} raises {_words(error)}") from error
    return found


def module(name: str) -> Any:
    """The module of that name, importable from the working directory."""
    here = os.getcwd()
    if here not in sys.path and "" not in sys.path:
        sys.path.insert(0, here)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(error.name + ".")):
            mend = f"run from the folder that holds {name.split('.')[0]}, or install it"
            if (Path(here) / (name.split(".")[0] + ".py")).is_file() and "." in name:
                mend = f"{name.split('.')[0]} is a file, not a package: write {name.split('.')[0]}:attribute"
            raise InputError(f"cannot import {name}: no module named {error.name!r}", mend=mend) from error
        mend = f"install {error.name}, which {name} needs"
        raise InputError(f"cannot import {name}: {_words(error)}{_line(error)}", mend=mend) from error
    except (KeyboardInterrupt, MemoryError):
        raise
    except BaseException as error:  # a module may even call sys.exit
        mend = f"see that python -c 'import {name}' works"
        raise InputError(f"importing {name} raises {_words(error)}{_line(error)}", mend=mend) from error


def _operation(text: str) -> Any:
    import torch

    matched = _OPERATION.fullmatch(text)
    assert matched is not None
    space, name, overload = matched.groups()
    try:
        found = getattr(getattr(torch.ops, space), name)
        return getattr(found, overload) if overload else found
    except AttributeError:
        mend = "an operation is known once its module is imported: write module:torch.ops.namespace.name"
        raise UnknownName(f"no operation {space}::{name} is registered with torch", mend=mend) from None


def _missing(name: str, owner: Any, part: str) -> str:
    what = f"module {name}" if inspect.ismodule(owner) else getattr(owner, "__name__", type(owner).__name__)
    return f"{what} has no attribute {part!r}"


def _nearest(name: str, owner: Any, part: str, attribute: str) -> str:
    known = [n for n in vars(owner) if not n.startswith("_")] if hasattr(owner, "__dict__") else []
    close = difflib.get_close_matches(part, known, 1, 0.6)
    if close:
        return f"did you mean {name}:{attribute.replace(part, close[0])}?"
    own = [n for n in known if getattr(getattr(owner, n, None), "__module__", None) == name]
    return f"it holds {', '.join(own[:8])}" if own else ""


def _words(error: BaseException) -> str:
    first = str(error).strip().splitlines()
    return f"{type(error).__name__}: {first[0]}" if first else type(error).__name__


def _line(error: BaseException) -> str:
    """Where in the user's code it was raised: the last frame that is not the import machinery's."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "importlib" not in f.filename]
    own = [f for f in frames if f.filename != __file__]
    if isinstance(error, SyntaxError) and error.filename:
        return f" ({_short(error.filename)}:{error.lineno})"
    return f" ({_short(own[-1].filename)}:{own[-1].lineno})" if own else ""


def raised(error: BaseException) -> str:
    """An error in words, with the place in the user's code that raised it, if it is not in a library."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if not _in_library(f.filename)]
    place = f" ({_short(own[-1].filename)}:{own[-1].lineno})" if own else ""
    return f"{_words(error)}{place}"


_OURS = str(Path(__file__).resolve().parents[1])


def _in_library(path: str) -> bool:
    parts = Path(path).parts
    return "site-packages" in parts or path.startswith((_OURS, "<", sys.base_prefix + os.sep + "lib"))


def _short(path: str) -> str:
    """Relative to the working directory where it lies in it."""
    try:
        return str(Path(path).resolve().relative_to(Path.cwd().resolve()))
    except ValueError:
        return path


def where(thing: Any) -> str:
    """``file:line`` of what is written in Python, empty for what is not."""
    thing = inspect.unwrap(thing) if callable(thing) else thing
    try:
        path = inspect.getsourcefile(thing)
        line = inspect.getsourcelines(thing)[1]
    except (TypeError, OSError):
        return ""
    return f"{_short(path)}:{max(line, 1)}" if path else ""
