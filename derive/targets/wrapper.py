"""The autograd wrappers of a Torch file: the template's tree with the layer's own names in it."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from derive.lower.residuals import returned
from derive.program import Parameter
from derive.targets.filling import Filling
from derive.targets.layout import assign, bundle, call_with, docstring, names, result_and, signature, source, unpack
from derive.targets.numbers import call, constant, name

if TYPE_CHECKING:
    from derive.targets.assembly import Parts

TEMPLATE = Path(__file__).with_name("wrapper_torch.template")


def wrapper_text(parts: Parts, write_back: Sequence[ast.stmt], digest: str) -> str:
    """The class, the operation and the callable, as source; ``digest`` tells this file's operation from others."""
    *_, class_tree, operation_tree, fake, gradient, cpu, cuda, function_tree = _template()
    w = _Wrapper(parts)
    filling = Filling(w.one(), w.several(), {**w.statements(), "WRITE_BACK": write_back}, w.words())
    made = filling.visit(class_tree)
    operation = w.typed(filling.visit(operation_tree), digest)
    registered = "\n".join(source(filling.visit(s)) for s in (fake, gradient, cpu, cuda))
    function = filling.visit(function_tree)
    doc = f"{', '.join(parts.program.outputs)} of {parts.program.name}, differentiable by autograd and torch.func."
    body = [f"    {line}" for s in function.body for line in source(s).splitlines()]
    lines = [signature(parts.program.name, parts.forward.arguments), f"    {docstring(doc)}", *body]
    pieces = (class_text(made), _operation_text(operation), f"{registered}\n", "\n".join(lines) + "\n")
    return "\n\n".join(pieces)


def _template() -> list[ast.stmt]:
    return ast.parse(TEMPLATE.read_text(encoding="utf-8")).body


def _operation_text(operation: ast.FunctionDef) -> str:
    """The operation, one argument a line where long."""
    head = signature(operation.name, operation.args, operation.returns)
    doc = docstring(ast.get_docstring(operation) or "")
    body = [f"    {line}" for line in (doc, *(line for s in operation.body[1:] for line in source(s).splitlines()))]
    above = [f"@{source(ast.Expr(d)).strip()}" for d in operation.decorator_list]
    return "\n".join([*above, head, *body]) + "\n"


def class_text(tree: ast.ClassDef) -> str:
    """A class, with a blank line after what it is for."""
    head, _, rest = source(tree).partition("\n    generate_vmap_rule")
    text = f"{head}\n\n    generate_vmap_rule{rest}\n"
    branch = "        if torch.is_grad_enabled():\n"
    return text.replace(
        branch, f"        # a gradient of this gradient is wanted: what was saved may not count as constant\n{branch}"
    )


class _Wrapper:
    """What stands in each place of the template."""

    def __init__(self, parts: Parts) -> None:
        program, cut, tangent = parts.program, parts.cut, parts.tangent
        assert cut and tangent and parts.backward and parts.jvp
        self.parts, self.cut, self.jvp = parts, cut, parts.jvp
        self.inputs = [t.name for t in program.inputs]
        self.hypers = [a.arg for a in parts.forward.arguments.kwonlyargs if a.arg not in self.inputs]
        self.results = returned(program)
        self.own = [*self.results, *parts.residuals]
        self.moving = [o for o in program.outputs if program.tensor(o).kind == "real"]
        self.cotangents = dict(zip(self.moving, cut.cotangents, strict=True))
        real = [t.name for t in program.inputs if t.kind == "real"]
        self.tangents = dict(zip(real, (t.name for t in tangent.inputs[len(self.inputs) :]), strict=True))
        self.pushed = dict(zip(self.moving, tangent.outputs, strict=True))
        self.gradients = dict(zip(parts.wrt, cut.backward.outputs, strict=True))

    def one(self) -> dict[str, ast.expr]:
        return {
            "FIRST": name(self.inputs[0]),
            "RESULT": bundle(self.parts.program.outputs),
            "FORWARD": call_with(self.parts.forward.name, self.parts.forward.arguments),
            "BACKWARD": self._backward(),
            "TANGENT": call_with(self.jvp.name, self.jvp.arguments),
            "GRADIENTS": bundle(list(self.gradients.values())),
            "PUSHED": bundle(list(self.pushed.values())),
        }

    def several(self) -> dict[str, list[ast.expr]]:
        gradients = [*self.inputs, *self.hypers]
        return {
            "INPUTS": names(self.inputs),
            "GIVEN": [self._given(n) for n in self.inputs],
            "HYPERS": names(self.hypers),
            "FILLED": [self._filled(n) for n in self.hypers],
            "SAVED": names(self.parts.saved),
            "RETURNED": names(self.own),
            "FIXED": names(n for n in self.own if n not in self.moving),
            "RESIDUALS": names(n for n in self.cut.saved if n not in self.inputs),
            "COTANGENTS": names(self.cotangents.get(n, f"_{n}") for n in self.own),
            "TANGENTS": names(self.tangents.get(n, f"_{n}") for n in gradients),
            "EVERY_GRADIENT": [_or_none(self.gradients.get(n)) for n in gradients],
            "EVERY_TANGENT": [_or_none(self.pushed.get(n)) for n in self.own],
        }

    def _filled(self, which: str) -> ast.expr:
        """One number for all of several: torch's library wants a list."""
        length = next((p.length for p in self.parts.program.parameters if p.name == which), 0)
        if not length:
            return name(which)
        filled = call("_several", name(which), constant(length))
        return _unless_absent(which, filled) if which in self._left_open() else filled

    def _left_open(self) -> set[str]:
        """Hyperparameters that are None until an earlier one tells."""
        a = self.parts.forward.arguments
        pairs = zip(a.kwonlyargs, a.kw_defaults, strict=True)
        return {arg.arg for arg, d in pairs if isinstance(d, ast.Constant) and d.value is None}

    def _given(self, which: str) -> ast.expr:
        """A buffer that is written back goes in as a copy: what autograd saved must not change."""
        program = self.parts.program
        if which not in [buffer for buffer, _ in program.updates]:
            return name(which)
        copy = call(f"{which}.clone")
        return copy if program.tensor(which).default is None else _unless_absent(which, copy)

    def _backward(self) -> ast.expr:
        flags = [ast.Subscript(name("ctx.needs_input_grad"), constant(self.inputs.index(n))) for n in self.parts.wrt]
        needs = [ast.Tuple([*flags])] if len(flags) > 1 else []
        return call(f"{self.parts.program.name}_backward", name("saved"), *names(self.cotangents.values()), *needs)

    def statements(self) -> dict[str, list[ast.stmt]]:
        forward = call_with(self.parts.forward.name, self.parts.forward.arguments)
        word = "saved" if self.parts.residuals else "_"
        run = [assign(result_and(self.results, word), forward)]
        if self.parts.residuals:
            run.append(unpack([n if n in self.parts.residuals else "_" for n in self.parts.saved], name("saved")))
        refused = [n for n in self.tangents if n not in self.gradients]
        return {"RUN": run, "REFUSE": [self._refusal(n) for n in refused], "UNDEFINED": [self._undefined()]}

    def _undefined(self) -> ast.stmt:
        """No cotangent at all: no gradient."""
        tests: list[ast.expr] = [ast.Compare(name(d), [ast.Is()], [constant(None)]) for d in self.cotangents.values()]
        test = tests[0] if len(tests) == 1 else ast.BoolOp(ast.And(), tests)
        nothing = ast.Tuple([constant(None)] * len([*self.inputs, *self.hypers]), ast.Load())
        return ast.If(test, [ast.Return(nothing)], [])

    def _refusal(self, which: str) -> ast.stmt:
        """Never a silent 0: a gradient that the file does not have is asked for."""
        test = ast.Subscript(name("ctx.needs_input_grad"), constant(self.inputs.index(which)))
        message = constant(f"this file was generated without the gradient by {which}")
        return ast.If(test, [ast.Raise(call("RuntimeError", message), None)], [])

    def typed(self, operation: ast.FunctionDef, digest: str) -> ast.FunctionDef:
        """The operation's name in torch's library, and its types: the library wants them."""
        program = self.parts.program
        tensor = name("torch.Tensor")
        kinds = {t.name: _or_absent(tensor, t.default is not None or t.optional) for t in program.inputs}
        kinds |= {p.name: _or_absent(_hyper_type(p), p.name in self._left_open()) for p in program.parameters}
        for argument in operation.args.args:
            argument.annotation = kinds[argument.arg]
        every: list[ast.expr] = [tensor] * len(self.own)
        operation.returns = ast.Subscript(name("tuple"), ast.Tuple(every) if len(every) > 1 else every[0])
        library = constant(f"derive::{program.name}_{digest}")
        operation.decorator_list = [call("torch.library.custom_op", library, mutates_args=ast.Tuple([], ast.Load()))]
        return operation

    def words(self) -> dict[str, str]:
        """The template's own names, and its locals where a tensor is called the same."""
        program = self.parts.program.name
        taken = {*self.own, *self.inputs, *self.hypers, *self.parts.saved}
        own = ("ctx", "inputs", "output", "saved", "run", "given", "halves")
        clashes: dict[str, str] = {w: f"{w}_" for w in own if w in taken}
        return clashes | {"CLASS": class_name(program), "NAME": program, "OPERATION": f"{program}_operation"}


#: kind of hyperparameter → its Python type
_TYPES = {"Int": "int", "Real": "float", "Bool": "bool", "Text": "str"}


def _or_absent(kind: ast.expr, may_be_absent: bool) -> ast.expr:
    return ast.BinOp(kind, ast.BitOr(), constant(None)) if may_be_absent else kind


def _unless_absent(which: str, value: ast.expr) -> ast.expr:
    """``None if x is None else value``."""
    return ast.IfExp(ast.Compare(name(which), [ast.Is()], [constant(None)]), constant(None), value)


def _hyper_type(parameter: Parameter) -> ast.expr:
    each = name(_TYPES[parameter.kind])
    return ast.Subscript(name("list"), each) if parameter.length else each


def _or_none(word: str | None) -> ast.expr:
    return name(word) if word else constant(None)


def class_name(program: str) -> str:
    """``conv2d`` → ``Conv2dFunction``."""
    return "".join(part.capitalize() for part in program.split("_")) + "Function"
