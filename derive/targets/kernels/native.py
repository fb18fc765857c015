"""Kernels compiled by the machine's C compiler, loaded once, called on torch tensors.

A kernel is text; its library is kept in the cache folder under a hash of that text, of the compiler and of the
processor, written by rename.  No compiler, or one that refuses: the caller falls back to array code.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import numbers
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sympy import Symbol

from derive.targets.kernels.replay import Recorded, recorder
from derive.targets.kernels.source import PRELUDE, Source

Array = Any  # a torch tensor
FLAGS = (
    "-O3",
    "-march=native",
    "-fopenmp",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-freciprocal-math",
    "-fPIC",
    "-std=gnu11",
    "-w",
)


#: How many ways a kernel is compiled before one serves the rest, and up to where a number is small.
VARIANTS, SMALL = 16, 16
_DEFINES = {"single": "-DSINGLE", "in place": "-DIN_PLACE"}
_NOTHING: Mapping[str, str] = {}


class Unfit(Exception):
    """These arguments are not for a kernel: array code takes them."""


@functools.cache
def compiler() -> str | None:
    """The machine's C compiler, if it has one: ``$CC``, cc, gcc or clang."""
    named = os.environ.get("CC", "")
    return next((path for c in (named, "cc", "gcc", "clang") if c and (path := shutil.which(c))), None)


@dataclass(frozen=True)
class _Entry:
    """A compiled kernel and where its arguments come from: places among the arrays, the integers and the reals."""

    function: Any
    arrays: tuple[int, ...]
    integers: tuple[int, ...]
    reals: tuple[int, ...]
    checks: tuple[int, ...]
    pointers: Any
    whole: Any
    real: Any


class Native:
    """A kernel, compiled for each precision when first asked for it; ``narrow`` where the sizes ``ones`` are 1."""

    def __init__(
        self, general: Source, narrow: Source | None = None, ones: Sequence[Symbol] = (), in_place: Mapping = _NOTHING
    ) -> None:
        self.general, self.narrow, self.in_place = general, narrow, dict(in_place)
        self.ones = tuple(general.integers.index(s) for s in ones)
        self._entries: dict[tuple, _Entry] = {}

    def __call__(
        self, arrays: Sequence[Array], shapes: Sequence, kinds: Sequence[str], integers: Sequence, reals: Sequence
    ) -> list[Array]:
        """What the kernel computes from these arrays: new arrays of these shapes and kinds."""
        import torch

        dtype = precision(arrays)
        every = [self._given(a, kind, dtype) for a, kind in zip(arrays, self.general.kinds, strict=False)]
        made = [torch.empty(s, dtype=_dtype(k, dtype)) for s, k in zip(shapes, kinds, strict=True)]
        if self.in_place:
            made = [self._over(k, y, every) for k, y in enumerate(made)]
        every += made
        narrow = self.narrow is not None and all(integers[k] == 1 for k in self.ones)
        source = self.narrow if self.narrow is not None and narrow else self.general
        fixed = self._fixed(source, integers)
        entry = self._entries.get((source.name, dtype, fixed)) or self._entry(source, dtype, fixed)
        whole = entry.whole(*[int(integers[k]) for k in entry.integers])
        real = entry.real(*[_number(reals[k]) for k in entry.reals])
        ordered = [every[k] for k in entry.arrays]
        pointers = entry.pointers(*[a.data_ptr() for a in ordered])
        entry.function(pointers, whole, real, torch.get_num_threads())
        checks = [every[k] for k in entry.checks]
        if any(c.item() for c in checks):
            raise Unfit("an index is out of range: array code says which")
        calls = recorder()
        if calls is not None:
            calls.append(
                Recorded(entry.function, entry.pointers, tuple(ordered), tuple(made), whole, real, tuple(checks))
            )
        return made

    def _given(self, a: Array, kind: str, dtype: Any) -> Array:
        """The array laid out in order, as its kind is stored."""
        if not a.is_contiguous():
            if self.in_place:
                raise Unfit("a result goes over an array that is not contiguous")
            a = a.contiguous()
        if not a.numel():
            raise Unfit("an empty array")
        wanted = _dtype(kind, dtype)
        return a if a.dtype is wanted else a.to(wanted)

    def _over(self, k: int, made: Array, given: Sequence[Array]) -> Array:
        """The memory of the input that a result goes over, or its own."""
        result = self.general.arrays[len(given) + k]
        return given[self.general.arrays.index(self.in_place[result])] if result in self.in_place else made

    def _fixed(self, source: Source, integers: Sequence) -> tuple[tuple[int, int], ...]:
        """Small whole hyperparameters that the text is compiled for: windows' loops are of known length then."""
        if not source.fixed or len(self._entries) >= VARIANTS:
            return ()
        values = ((k, int(integers[self.general.integers.index(source.integers[k])])) for k in source.fixed)
        return tuple((k, v) for k, v in values if abs(v) <= SMALL)

    def _entry(self, source: Source, dtype: Any, fixed: tuple[tuple[int, int], ...] = ()) -> _Entry:
        import torch

        options = ["single" if dtype == torch.float32 else "double", *(["in place"] if self.in_place else [])]
        options += [f"-DI{k}={v}" for k, v in fixed]
        function = getattr(_library(source.text, tuple(options)), source.name)
        function.restype = None
        function.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int]
        places = {n: k for k, n in enumerate(self.general.arrays)}
        entry = _Entry(
            function,
            tuple(places[n] for n in source.arrays),
            tuple(self.general.integers.index(s) for s in source.integers),
            tuple(self.general.reals.index(s) for s in source.reals),
            tuple(places[n] for n in source.checks if n in places),
            ctypes.c_void_p * len(source.arrays),
            ctypes.c_int64 * len(source.integers),
            ctypes.c_double * len(source.reals),
        )
        self._entries[source.name, dtype, fixed] = entry
        return entry


def _dtype(kind: str, real: Any) -> Any:
    """What arrays of a kind are stored as."""
    if kind in ("real", "const"):
        return real
    import torch

    return torch.int64 if kind == "index" else torch.bool


def precision(arrays: Sequence[Array]) -> Any:
    """The one floating-point type of the arrays, which are plain CPU tensors."""
    import torch

    found = None
    for a in arrays:
        if type(a) not in (torch.Tensor, torch.nn.Parameter) or not a.is_cpu:
            raise Unfit("not plain CPU tensors")
        if a.is_floating_point():
            if found not in (None, a.dtype):
                raise Unfit("tensors of several precisions")
            found = a.dtype
    found = found or torch.get_default_dtype()
    if found not in (torch.float32, torch.float64):
        raise Unfit(f"kernels have no {found}")
    return found


def _number(x: Any) -> float:
    if type(x) is float:
        return x
    if isinstance(x, numbers.Real):
        return float(x)
    raise Unfit("a hyperparameter is no plain number")


# ------------------------------------------------------------------------------ compiling


def _library(text: str, options: tuple[str, ...]) -> ctypes.CDLL:
    """The compiled text, from the cache if it is there."""
    path = _folder() / f"{_key(text, options)}.so"
    if not path.exists():
        _compile(text, options, path)
    try:
        return ctypes.CDLL(str(path))
    except OSError as error:
        raise Unfit(f"the kernel does not load: {error}") from error


def _key(text: str, options: tuple[str, ...]) -> str:
    parts = (text, PRELUDE.read_text(encoding="utf-8"), *options, str(compiler()), platform.machine(), _processor())
    return hashlib.sha256("\0".join((*parts, *FLAGS)).encode()).hexdigest()[:32]


@functools.cache
def _processor() -> str:
    """What tells processors apart that do not run each other's code."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return "".join(next((line for line in lines if line.startswith(k)), "") for k in ("model name", "flags"))


@functools.cache
def _folder() -> Path:
    """The user's own folder of kernels; a private temporary one where that cannot be written to."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "derive" / "kernels"
    try:
        base.mkdir(parents=True, exist_ok=True, mode=0o700)
        if os.access(base, os.W_OK):
            return base
    except OSError:
        pass
    return Path(tempfile.mkdtemp(prefix="derive-kernels-"))


def _compile(text: str, options: tuple[str, ...], path: Path) -> None:
    """Written beside and renamed; with the C library's vector functions where it has them."""
    which = compiler()
    if which is None:
        raise Unfit("no C compiler")
    with tempfile.TemporaryDirectory(prefix="derive-") as folder:
        file, made = Path(folder) / "kernel.c", Path(folder) / "kernel.so"
        file.write_text(PRELUDE.read_text(encoding="utf-8") + text, encoding="utf-8")
        define = [_DEFINES.get(option, option) for option in options if option != "double"]
        for vector in (["-DVECTOR_MATH"], []):
            libraries = [*_openmp(), *(["-lmvec"] if vector else []), "-lm"]
            command = [which, *FLAGS, *define, *vector, "-shared", str(file), "-o", str(made), *libraries]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode == 0:
                break
        else:
            raise Unfit(f"the compiler refuses the kernel: {done.stderr[:500]}")
        beside = path.with_suffix(f".{os.getpid()}")
        shutil.copyfile(made, beside)
        os.replace(beside, path)


def _openmp() -> list[str]:
    """torch's own OpenMP library, named first, so that both share one team of threads."""
    import torch

    return [str(p) for p in sorted((Path(torch.__file__).parent / "lib").glob("libgomp*.so*"))[:1]]
