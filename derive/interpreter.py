"""The reference interpreter: the meaning of the language, point by point.

A defined tensor's value at a point is the right side of the first piece that admits the point; zero
where none does and the statement says so.  Values are asked for one at a time and remembered, so a few
sampled points of a large program cost only what they read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from derive.bind.bound import Bound
from derive.closures import Closure, Compiler, Env
from derive.errors import DefinitionError, InputError
from derive.fields import FLOAT, Field
from derive.program import Bind, Piece, Program, Statement, Tensor

if TYPE_CHECKING:
    import numpy as np

Point = tuple[str, tuple[int, ...]]
_DEPTH = 16  # tensors nested in one Python call chain before the rest is put off


class _Deferred(Exception):
    """Raised when points nest too deeply: evaluate this one first, then try again."""

    def __init__(self, point: Point) -> None:
        self.point = point


class Evaluator:
    """Lazy, memoised values of a program's tensors at points, over a field."""

    def __init__(self, program: Program, bound: Bound, field: Field = FLOAT) -> None:
        self.program, self.bound, self.field = program, bound, field
        self.tensors, self.definitions = program.tensors, program.definitions
        kinds = {name: tensor.kind for name, tensor in self.tensors.items()}
        self.compiler = Compiler(field, bound.values, kinds, self._read)
        self._known: dict[str, dict[tuple[int, ...], Any]] = {name: {} for name in self.tensors}
        self._rules: dict[str, Callable[[tuple[int, ...]], Any]] = {}
        self._bounds: dict[str, tuple[tuple[int, int], ...]] = {}
        self._active: dict[Point, None] = {}

    # -------------------------------------------------------------------------- asking

    def value(self, name: str, indices: tuple[int, ...] | list[int] = ()) -> Any:
        """The value of a tensor at a point, one index per part."""
        target: Point = (name, tuple(int(i) for i in indices))
        waiting = [target]
        while waiting:
            try:
                value = self._read(*waiting[-1])
            except _Deferred as deferred:
                if deferred.point in waiting:
                    raise self._cycle(deferred.point) from None
                waiting.append(deferred.point)
            else:
                waiting.pop()
        return value

    def range_of(self, name: str) -> tuple[tuple[int, int], ...]:
        """For each part the indices stored, halo included: lo ≤ i < hi."""
        if name not in self._bounds:
            extent = [self.compiler.index(part.extent)({}) for part in self.tensors[name].parts]
            self._bounds[name] = tuple(
                (part.origin - part.below, part.origin + n)
                for part, n in zip(self.tensors[name].parts, extent, strict=True)
            )
        return self._bounds[name]

    def array(self, name: str) -> np.ndarray:
        """All values of a tensor, one axis per part, without the halo."""
        import numpy as np

        tensor, bounds = self.tensors[name], self.range_of(name)
        inside = [range(part.origin, hi) for part, (_, hi) in zip(tensor.parts, bounds, strict=True)]
        kind = {"index": np.int64, "bool": np.bool_}.get(tensor.kind, self.field.dtype)
        result = np.empty([len(r) for r in inside], dtype=kind)
        for position in np.ndindex(result.shape):
            result[position] = self.value(name, [r[i] for r, i in zip(inside, position, strict=True)])
        return result

    # -------------------------------------------------------------------------- answering

    def _read(self, name: str, indices: tuple[int, ...]) -> Any:
        known = self._known[name]
        if indices in known:
            return known[indices]
        self._check_range(name, indices)
        if name not in self._rules:
            self._rules[name] = self._rule(name)
        point = (name, indices)
        if point in self._active:
            raise self._cycle(point)
        if len(self._active) >= _DEPTH:
            raise _Deferred(point)
        self._active[point] = None
        try:
            value = known[indices] = self._rules[name](indices)
        finally:
            del self._active[point]
        return value

    def _check_range(self, name: str, indices: tuple[int, ...]) -> None:
        bounds = self.range_of(name)
        if len(bounds) != len(indices):
            raise DefinitionError(f"{name} has {len(bounds)} indices, but is read with {len(indices)}")
        for place, (i, (lo, hi)) in enumerate(zip(indices, bounds, strict=True)):
            if not lo <= i < hi:
                shown = ", ".join(map(str, indices))
                raise InputError(
                    f"{name}[{shown}] is read out of range: index {i} in place {place + 1}, where {lo} <= index < {hi}",
                    mend=f"the extent there is {self.tensors[name].parts[place].extent} = {hi - lo}",
                )

    def _cycle(self, point: Point) -> DefinitionError:
        name, indices = point
        shown = f"{name}[{', '.join(map(str, indices))}]" if indices else name
        return DefinitionError(
            f"{shown} depends on itself", mend="a recurrence must move one way along one axis, with a base case"
        )

    # -------------------------------------------------------------------------- rules

    def _rule(self, name: str) -> Callable[[tuple[int, ...]], Any]:
        """How a point of the tensor is found: from the data, or by its pieces."""
        if name in self.definitions:
            return self._by_pieces(self.definitions[name])
        if name not in self.bound.tensors:
            raise InputError(f"input {name} is missing")
        data, offsets = self.bound.tensors[name], [lo for lo, _ in self.range_of(name)]
        convert = self._conversion(self.tensors[name])
        return lambda indices: convert(data[tuple([i - o for i, o in zip(indices, offsets, strict=True)])])

    def _conversion(self, tensor: Tensor) -> Callable[[Any], Any]:
        return {"index": int, "bool": bool}.get(tensor.kind, self.field.number)

    def _by_pieces(self, statement: Statement) -> Callable[[tuple[int, ...]], Any]:
        kind = statement.tensor.kind
        reading = self.compiler.reading(kind)
        pieces = tuple((self._admits(piece), reading(piece.rhs)) for piece in statement.pieces)
        nothing = {"index": 0, "bool": False}.get(kind, self.field.zero)

        def value(indices: tuple[int, ...]) -> Any:
            for admits, rhs in pieces:
                env: Env = {}
                if admits(indices, env):
                    return rhs(env)
            if statement.zero_elsewhere:
                return nothing
            shown = ", ".join(map(str, indices))
            raise DefinitionError(f"no equation gives {statement.name}[{shown}]", mend="cover every point with a piece")

        return value

    def _admits(self, piece: Piece) -> Callable[[tuple[int, ...], Env], bool]:
        """Whether a point matches a piece's literals, letters, ranges and conditions, in that order."""
        literals = tuple((at, int(i)) for at, i in enumerate(piece.indices) if i.is_Integer)
        letters = tuple((at, i.name) for at, i in enumerate(piece.indices) if not i.is_Integer)
        entries = tuple(self._entry(e) for e in piece.entries)

        def admits(indices: tuple[int, ...], env: Env) -> bool:
            for at, literal in literals:
                if indices[at] != literal:
                    return False
            for at, name in letters:
                if env.setdefault(name, indices[at]) != indices[at]:
                    return False
            return all(entry(env) for entry in entries)

        return admits

    def _entry(self, entry: Any) -> Closure:
        if not isinstance(entry, Bind):
            return self.compiler.truth(entry)
        name, lo, hi = entry.letter.name, self.compiler.index(entry.lo), self.compiler.index(entry.hi)
        return lambda env: lo(env) <= env[name] < hi(env)


def run(
    program: Program,
    inputs: Mapping[str, Any],
    hypers: Mapping[str, Any] | None = None,
    field: Field = FLOAT,
) -> dict[str, np.ndarray]:
    """Every output, and every tensor a module writes back, in the shape a user sees."""
    from derive.bind.door import bind

    bound = bind(program, inputs, hypers)
    evaluator = Evaluator(program, bound, field)
    names = dict.fromkeys((*program.outputs, *(tensor for _, tensor in program.updates)))
    return {name: bound.user_shape(program.tensor(name), evaluator.array(name)) for name in names}
