"""What is written beside the closed form, run on the example: matrix forms, contractions, the generated NumPy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from sympy import Basic, Expr

from derive.bind import bind
from derive.calculus.trace import Trace
from derive.closures import Compiler
from derive.errors import DeriveError
from derive.fields import FLOAT
from derive.interpreter import Evaluator
from derive.program import Program
from derive.simplify.matrix import Equation, Matrix
from derive.verify.example import Example
from derive.verify.stepwise import StepError

TOLERANCE = 1e-9

#: ``np.einsum``'s subscripts and the tensors they are of.
Contraction = tuple[str, tuple[str, ...]]
#: What was run, matrix, contraction or code, and the tensor.
Run = tuple[str, str]


def check_written(
    trace: Trace, derived: Program, found: Example, matrices: dict[str, Equation], einsums: dict[str, Contraction]
) -> tuple[Run, ...]:
    """Compares each with the interpreter; what was run: the kind and the tensor (one of a batch is not)."""
    data, hypers = dict(found.inputs), dict(found.hypers)
    bound = bind(derived, data, hypers)
    evaluator = Evaluator(derived, bound, FLOAT)

    def array(name: str) -> np.ndarray:
        return np.asarray(evaluator.array(name), dtype=float)

    written = Written(array, bound.values)
    results = [("matrix", n, written.equation(e)) for n, e in matrices.items() if not e.each]
    results += [("contraction", n, np.einsum(c[0], *map(array, c[1]))) for n, c in einsums.items()]
    results += [("code", n, value) for n, value in generated(trace, derived, data, hypers)]
    for kind, name, value in results:
        want = array(name)
        if not np.allclose(value.reshape(want.shape), want, rtol=TOLERANCE, atol=TOLERANCE):
            raise StepError(f"{trace.primal.name}: the {kind} of {name} has not the value of its equation")
    return tuple((kind, name) for kind, name, _ in results)


def generated(
    trace: Trace, derived: Program, data: dict[str, np.ndarray], hypers: dict[str, object]
) -> list[tuple[str, np.ndarray]]:
    """The gradients as the generated module computes them; none where no such module is made."""
    from derive.targets.files import generate

    program = trace.primal
    inputs = [t.name for t in program.inputs]
    if program.role != "layer" or not all(n in inputs for n in trace.wrt) or not all(map(str.isidentifier, inputs)):
        return []
    try:
        module = generate(program, "numpy", trace.wrt).module()
    except DeriveError:
        return []
    _, saved = getattr(module, f"{program.name}_forward")(**{n: data[n] for n in inputs}, **hypers)
    cotangents = [data[t.name] for t in derived.inputs if t.name not in inputs]
    gradients = getattr(module, f"{program.name}_backward")(saved, *cotangents)
    gradients = gradients if isinstance(gradients, tuple) else (gradients,)
    by_input = dict(zip((n for n in inputs if n in trace.wrt), gradients, strict=True))
    outputs = dict(zip(trace.wrt, derived.outputs, strict=True))
    return [(outputs[n], np.asarray(value, dtype=float)) for n, value in by_input.items()]


class Written:
    """Matrix formulas in numbers."""

    def __init__(self, array: Callable[[str], np.ndarray], values: dict) -> None:
        self.array = array
        self.compiler = Compiler(FLOAT, values, read=lambda name, indices: float(array(name)[indices]))

    def equation(self, e: Equation) -> np.ndarray:
        """The left side's value by the right side."""
        right = self.value(e.right)
        return right.T if e.left.op == "transpose" else right

    def value(self, m: Matrix) -> np.ndarray:
        """A matrix in numbers."""
        if m.op == "name":
            return self.array(m.parts[0]).reshape([self._extent(m.rows), self._extent(m.cols)])
        if m.op == "ones":
            return np.ones([self._extent(m.rows), self._extent(m.cols)])
        inner = [self.value(p) for p in m.parts if isinstance(p, Matrix)]
        if m.op == "scale":
            return self._number(m.parts[0]) * inner[0]
        if m.op == "apply":
            return np.vectorize(FLOAT.functions[m.parts[0]], otypes=[float])(inner[0])
        return _OPERATIONS[m.op](*inner)

    def _extent(self, e: Expr) -> int:
        return int(self.compiler.index(e)({}))

    def _number(self, e: Basic) -> float:
        return float(self.compiler.number(e)({}))


def _product(*parts: np.ndarray) -> np.ndarray:
    whole = parts[0]
    for part in parts[1:]:
        whole = whole @ part
    return whole


_OPERATIONS: dict[str, Callable[..., np.ndarray]] = {
    "transpose": lambda a: a.T,
    "times": _product,
    "hadamard": lambda *parts: np.multiply.reduce(parts),
    "plus": lambda *parts: np.add.reduce(parts),
    "minus": lambda a: -a,
    "diag": lambda a: np.diag(a[:, 0]),
    "reciprocal": lambda a: 1 / a,
}
