"""The autograd wrapper of a Torch file: the template's tree with the layer's own names in it."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from derive.lower.residuals import returned
from derive.targets.filling import Filling
from derive.targets.layout import assign, bundle, call_with, docstring, names, result_and, signature, source, unpack
from derive.targets.numbers import call, constant, name

if TYPE_CHECKING:
    from derive.targets.assembly import Parts

TEMPLATE = Path(__file__).with_name("wrapper_torch.template")


def wrapper_text(parts: Parts, write_back: Sequence[ast.stmt]) -> str:
    """The class and the callable, as source."""
    *_, class_tree, function_tree = ast.parse(TEMPLATE.read_text(encoding="utf-8")).body
    w = _Wrapper(parts)
    filling = Filling(w.one(), w.several(), {**w.statements(), "WRITE_BACK": write_back}, w.words())
    made = filling.visit(class_tree)
    function = filling.visit(function_tree)
    doc = f"{', '.join(parts.program.outputs)} of {parts.program.name}, differentiable by autograd and torch.func."
    body = [f"    {line}" for s in function.body for line in source(s).splitlines()]
    lines = [signature(parts.program.name, parts.forward.arguments), f"    {docstring(doc)}", *body]
    return class_text(made) + "\n\n" + "\n".join(lines) + "\n"


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
            "SAVED": names(self.parts.saved),
            "RETURNED": names(self.own),
            "FIXED": names(n for n in self.own if n not in self.moving),
            "RESIDUALS": names(n for n in self.cut.saved if n not in self.inputs),
            "COTANGENTS": names(self.cotangents.get(n, f"_{n}") for n in self.own),
            "TANGENTS": names(self.tangents.get(n, f"_{n}") for n in gradients),
            "EVERY_GRADIENT": [_or_none(self.gradients.get(n)) for n in gradients],
            "EVERY_TANGENT": [_or_none(self.pushed.get(n)) for n in self.own],
        }

    def _given(self, which: str) -> ast.expr:
        """A buffer that is written back goes in as a copy: what autograd saved must not change."""
        program = self.parts.program
        if which not in [buffer for buffer, _ in program.updates]:
            return name(which)
        copy = call(f"{which}.clone")
        test = ast.Compare(name(which), [ast.Is()], [constant(None)])
        return copy if program.tensor(which).default is None else ast.IfExp(test, constant(None), copy)

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

    def words(self) -> dict[str, str]:
        """The template's own names, and its locals where a tensor is called the same."""
        program = self.parts.program.name
        taken = {*self.own, *self.inputs, *self.hypers, *self.parts.saved}
        clashes: dict[str, str] = {w: f"{w}_" for w in ("ctx", "inputs", "output", "saved") if w in taken}
        return clashes | {"CLASS": class_name(program), "NAME": program}


def _or_none(word: str | None) -> ast.expr:
    return name(word) if word else constant(None)


def class_name(program: str) -> str:
    """``conv2d`` → ``Conv2dFunction``."""
    return "".join(part.capitalize() for part in program.split("_")) + "Function"
