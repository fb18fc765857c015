"""Generated files: self-contained source of a program's forward, backward and tangent, or of an optimizer's step."""

from __future__ import annotations

import itertools
import linecache
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from derive.errors import DeriveError, InputError, UnknownName
from derive.kept import once
from derive.lower import lower
from derive.program import Parameter, Program
from derive.targets import to_numpy, to_torch
from derive.targets.array_code import Code, Target
from derive.targets.text import module_text

#: Every target: its library's printer and what it calls a function.
TARGETS: dict[str, tuple[Target, Callable[..., Code]]] = {
    "numpy": (to_numpy.TARGET, to_numpy.function),
    "torch": (to_torch.TARGET, to_torch.function),
}

_COUNTER = itertools.count()


@dataclass(frozen=True)
class Generated:
    """A generated file: ``.text``, ``.save(path)``, ``.module()``."""

    name: str
    target: str
    text: str

    @property
    def filename(self) -> str:
        """``conv2d_torch.py``."""
        return f"{self.name}_{self.target}.py"

    def save(self, path: str | os.PathLike[str], force: bool = False) -> Path:
        """Writes the file whole or not at all; into ``path`` under its own name when that is a folder."""
        target = Path(path)
        if target.is_dir():
            target = target / self.filename
        if target.exists() and not force:
            raise InputError(f"{target} is already there", mend="save(path, force=True) overwrites it")
        if target.exists() and not target.is_file():
            raise InputError(f"{target} is no ordinary file", mend="choose a folder that you may write to")
        try:
            _write(target, self.text)
        except OSError as error:
            raise DeriveError(
                f"cannot write {target}: {error.strerror or error}", mend="choose a folder that you may write to"
            ) from error
        return target

    def module(self) -> ModuleType:
        """The file imported as a fresh module."""
        return imported(self.text, f"{self.name}_{self.target}")


def generate(program: Program, target: str = "numpy", wrt: Sequence[str] | None = None) -> Generated:
    """The file of a program; ``wrt``: the inputs whose gradients are wanted, all of them by default."""
    from derive.targets.assembly import layer_text
    from derive.targets.optimizer import optimizer_text

    _known(target)
    program = without_fixed(program)
    if program.role == "optimizer" and any(p.origin for s in program.statements for p in s.tensor.parts):
        text = optimizer_text(program, *TARGETS[target])
    else:
        text = layer_text(program, target, wrt)
    return Generated(program.name, target, text)


def _known(target: str) -> None:
    if target not in TARGETS:
        raise UnknownName(f"there is no target {target!r}", mend=f"targets: {', '.join(TARGETS)}")


@once
def callable_of(program: Program, target: str) -> Callable[..., tuple[Any, ...]]:
    """The program's code as ``f(*inputs, **hypers) -> outputs``: every input given, always a tuple."""
    library, function = TARGETS[target]
    code = function(lower(required(without_fixed(program))))
    compiled = getattr(imported(module_text([code], library.support), code.name), code.name)
    accepted = [arg.arg for arg in code.arguments.kwonlyargs]

    def run(*inputs: Any, **hypers: Any) -> tuple[Any, ...]:
        result = compiled(*inputs, **{n: v for n, v in hypers.items() if n in accepted})
        return result if isinstance(result, tuple) else (result,)

    return run


def required(program: Program) -> Program:
    """The program with every input and hyperparameter to be given."""
    inputs = tuple(replace(t, default=None, optional=False) for t in program.inputs)
    parameters = tuple(replace(p, default=None, required=True) for p in program.parameters)
    return replace(program, inputs=inputs, parameters=parameters)


def without_fixed(program: Program) -> Program:
    """The program without the hyperparameters that its structure has settled."""
    return replace(program, parameters=tuple(p for p in program.parameters if not is_fixed(p)))


def is_fixed(p: Parameter) -> bool:
    """Settled by the structure: chosen, or absent (``= None``)."""
    return p.structural or (p.default is None and p.value is None and not p.required)


def imported(text: str, name: str) -> ModuleType:
    """Source as a module; its lines show in tracebacks."""
    filename = f"<generated {name} {next(_COUNTER)}>"
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    module = ModuleType(name)
    module.__file__ = filename
    exec(compile(text, filename, "exec"), module.__dict__)
    return module


def _write(target: Path, text: str) -> None:
    """Written beside and renamed, so that nobody ever sees half a file."""
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=".derive-", suffix=".py")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(temporary, 0o644)
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise


def derived_programs(program: Program, wrt: Sequence[str] | None) -> Mapping[str, Program]:
    """The vjp and the jvp, simplified; none for a program without a differentiable input."""
    from derive.calculus.adjoint import adjoint
    from derive.calculus.tangent import tangent
    from derive.simplify import simplify

    if not any(t.kind == "real" for t in program.inputs):
        return {}
    return {"vjp": simplify(adjoint(program, wrt), program), "jvp": simplify(tangent(program), program)}
