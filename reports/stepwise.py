"""A derivation as a teacher would write it on the board: one block a step, from the calculus's own record.

Computes nothing: ``derive.verify.walkthrough`` found every form and evaluated it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from sympy import Expr

from derive.calculus.delta import Move
from derive.calculus.trace import Use
from derive.program import (
    Bind,
    Compare,
    FloorDiv,
    Letter,
    Modulo,
    Piece,
    Program,
    Statement,
    Tensor,
    tensors_read,
    walk,
    with_statements,
)
from derive.record import replace
from derive.reports import layout as L
from derive.reports.compose import derivative_blocks, forward_block
from derive.reports.document import Block, Composer, Document, Formula, lift_conditions
from derive.reports.matrix import MatrixComposer
from derive.reports.phrases import phrase
from derive.reports.typeset import beside, conjuncts, is_bracket
from derive.targets.text import wrapped
from derive.verify.example import Example, Gradient
from derive.verify.walkthrough import Walkthrough

CODE_WIDTH = 74


def steps(walk: Walkthrough, language: str = "en") -> Document:
    """The whole walk, its blocks numbered."""
    teller = Teller(walk, language)
    title = teller.say("title", name=walk.trace.primal.name)
    numbered = [replace(b, title=f"{n}  {b.title}") for n, b in enumerate(teller.blocks(), 1)]
    primal = walk.trace.primal
    return Document(primal.name, primal.role, "", (Block(title, (), ()), *numbered))


class Teller:
    """Says one walk in one language."""

    def __init__(self, walk: Walkthrough, language: str) -> None:
        self.walk, self.language = walk, language
        self.trace, self.primal = walk.trace, walk.trace.primal
        every = {s.name: s for s in (*self.primal.statements, *self.trace.program.statements)}
        self.whole: Program = with_statements(self.trace.program, tuple(every.values()))
        self.composer = Composer(self.whole, self.primal)
        self.told: dict[str, None] = {}

    def say(self, key: str, **names: object) -> str:
        return phrase(key, self.language, **names)

    def once(self, key: str) -> tuple[str, ...]:
        """An explanation, the first time it is needed."""
        known = key in self.told
        self.told[key] = None
        return () if known else (self.say(key),)

    def blocks(self) -> Iterator[Block]:
        """Every step, in order."""
        yield replace(forward_block(Composer(self.primal)), title=self.say("forward"), says=(self.say("forward says"),))
        yield self._known()
        yield from self._kept()
        for name in self.trace.order:
            yield from self._through(name)
        yield from self._simplified()
        yield from self._closed()
        yield from self._reused()
        yield from self._matrices()
        yield from self._code()
        yield self._numbers()
        yield from self._cases()
        yield self._checked()

    def _checked(self) -> Block:
        ran: dict[str, list[str]] = {}
        for kind, name in self.walk.ran:
            ran.setdefault(kind, []).append(name)
        says = [self.say("checked says", n=self.walk.compared)]
        says += [self.say(f"ran {kind}", names=", ".join(names)) for kind, names in ran.items()]
        return Block(self.say("checked"), (), (), says=tuple(says))

    # -------------------------------------------------------------------------- the beginning

    def _known(self) -> Block:
        """dy is given, dx is asked for, and what lies between."""
        program = self.trace.program
        given = program.inputs[len(self.primal.inputs) :]
        outputs = ", ".join(n for n in dict.fromkeys(self.primal.outputs) if self.primal.tensor(n).differentiable)
        wrt = ", ".join(self.trace.wrt)
        says = [self.say("known says", outputs=outputs, wrt=wrt)]
        between = [n for n in self.trace.order if n not in self.trace.wrt]
        if between:
            says.append(self.say("backward order", wrt=wrt, path=", ".join(between)))
        known = tuple((t.name, self.composer.shape(t), self.say("known")) for t in given)
        wanted = tuple((n, self.composer.shape(program.tensor(n))) for n in program.outputs)
        return Block(self.say("known and wanted"), wanted, (), declared=known, says=tuple(says))

    def _kept(self) -> Iterator[Block]:
        if self.trace.kept:
            definitions = self.trace.program.definitions
            kept = [definitions[n] for n in self.trace.kept]
            yield self.composer.block(self.say("kept"), (), kept, says=(self.say("kept says"),))

    # -------------------------------------------------------------------------- the chain rule

    def _through(self, name: str) -> Iterator[Block]:
        """Every use of a tensor, then their sum."""
        uses = self.trace.uses[name]
        for n, use in enumerate(uses):
            yield self._chain_rule(use, n, len(uses))
            yield self._local(use)
            yield self._deltas(use)
        cotangent = self.trace.program.definitions[self.trace.cotangents[name]]
        output = name in self.primal.outputs
        if len(uses) > 1 or output:
            says = [self.say("several says", name=name, n=len(uses))] if len(uses) > 1 else []
            says += [self.say("several output says", name=name)] if output else []
            yield self.composer.block(self.say("several", name=name), (), (cotangent,), says=tuple(says))

    def _chain_rule(self, use: Use, n: int, count: int) -> Block:
        """The reader's equation in fresh letters, and ``dx[k] = Σ dy[i] · ∂y[i]/∂x[k]``."""
        key = "chain rule" if count == 1 else "chain rule, one use"
        title = self.say(key, name=use.tensor, reader=use.reader, n=n + 1, all=count)
        primed = any(l.name.endswith("'") for l in use.piece.letters)
        told = "chain rule says" if primed else "chain rule says, no clash"
        key = told if use.targets else "chain rule says, scalar"
        targets = ", ".join(self.composer.text.name(k.name) for k in use.targets)
        says = self.say(key, name=use.tensor, reader=use.reader, targets=targets)
        equation = self._plain(use.reader, use.piece.indices, use.piece.rhs)
        upper = self._element(self.trace.cotangents[use.reader], use.piece.indices)
        product = L.Product((upper, self._partial(use)))
        letters = tuple(L.Word(l.name) for l in use.piece.letters)
        right = _summed(letters, product)
        chain = Formula(self._element(self.trace.cotangents[use.tensor], use.targets), right)
        return Block(title, (), (equation, chain), says=(says,) if n == 0 else ())

    def _partial(self, use: Use) -> L.Node:
        """∂y[i] / ∂x[k]."""
        top, bottom = self._element(use.reader, use.piece.indices), self._element(use.tensor, use.targets)
        return L.Fraction(_marked(top), _marked(bottom))

    def _element(self, name: str, indices: Sequence[Expr]) -> L.Node:
        return self.composer.t.element(name, tuple(indices))

    def _plain(self, name: str, indices: Sequence[Expr], rhs: Expr) -> Formula:
        """An equation without named indices: they are what is solved for."""
        self.composer.t.order.free = tuple(i for i in indices if isinstance(i, Letter))
        body, only = lift_conditions(rhs, is_bracket)
        t = self.composer.t
        return Formula(self._element(name, indices), t.node(body), only=t.conditions(only))

    def _local(self, use: Use) -> Block:
        """``∂y/∂x = Σ … [index = k] · factor``, ranges on a line of their own."""
        t = self.composer.t
        t.order.free = use.targets
        entries = (*use.occurrence.entries, *use.deltas)
        letters = tuple(L.Word(e.letter.name) for e in entries if isinstance(e, Bind))
        conditions = [c for e in entries if not isinstance(e, Bind) for c in conjuncts(e)]
        brackets: list[L.Node] = [L.Bracket(n) for n in t.conditions(c for c in conditions if is_bracket(c))]
        term = beside(brackets, t.node(use.occurrence.factor))
        right = _summed(letters, term)
        formula = Formula(self._partial(use), right, only=t.conditions(c for c in conditions if not is_bracket(c)))
        same = [u for u in self.trace.uses[use.tensor] if (u.reader, u.place) == (use.reader, use.place)]
        part = (self.say("local part", name=use.tensor, reader=use.reader, n=len(same)),) if len(same) > 1 else ()
        key = "local says" if use.deltas else "local says, no delta"
        return Block(self.say("local"), (), (formula,), says=(*self.once(key), *part))

    # -------------------------------------------------------------------------- deltas

    def _deltas(self, use: Use) -> Block:
        """Each bracket solved, and what is left."""
        t = self.composer.t
        t.order.free = use.targets
        simple = [m for m in use.moves if _is_renaming(m)]
        says = [*self.once("deltas says")] if use.moves else []
        if simple:
            equal = ", ".join(self.composer.text.line(t.node(m.letter)) + " = " + self._line(m.value) for m in simple)
            gone = ", ".join(self.composer.text.name(m.letter.name) for m in simple)
            says.append(self.say("renamed one", letters=equal, gone=gone))
        solved = [m for m in use.moves if m not in simple]
        for m in solved:
            letter = self.composer.text.name(m.letter.name)
            new = ", ".join(self.composer.text.name(b.letter.name) for b in m.binds)
            says.append(self.say("solved new" if new else "solved", letter=letter, new=new))
        if any(is_bracket(c) for c in _conditions(use.term)):
            says.append(self.say("stays"))
        elif use.deltas and not use.moves:
            says.append(self.say("nothing to remove"))
        formulas = tuple(self._solved(m) for m in solved)
        cotangent = self.trace.cotangents[use.tensor]
        axes = self.whole.tensors[cotangent].axes if cotangent in self.whole.tensors else ()
        left = Statement(Tensor(cotangent, axes), (Piece(use.targets, use.binds, use.term),))
        block = self.composer.block(self.say("deltas" if use.deltas else "together"), (), (left,))
        return replace(block, formulas=(*formulas, *block.formulas), says=tuple(says))

    def _line(self, e: Expr) -> str:
        return self.composer.text.line(self.composer.t.node(e))

    def _solved(self, m: Move) -> Formula:
        """``p = (h + padding − i·dilation) / stride`` and what must hold for it."""
        t = self.composer.t
        exact = isinstance(m.value, FloorDiv) and any(
            isinstance(n, Modulo) and n.args == m.value.args for c in m.conditions for n in walk(c)
        )
        value = L.Fraction(*t.nodes(m.value.args)) if exact else t.node(m.value)
        over = tuple(self.composer.range(b) for b in m.binds)
        put = {m.value: m.letter}
        return Formula(t.node(m.letter), value, only=t.conditions(c.xreplace(put) for c in m.conditions), over=over)

    # -------------------------------------------------------------------------- simplifying

    def _simplified(self) -> Iterator[Block]:
        """The substitutions, the theorems, and each pass that changed what is printed."""
        seen = self.walk.seen
        told = self._printed(self.trace.program)
        stages = []
        for stage in seen.stages:
            here = self._printed(stage.program)
            if here != told:
                stages.append((stage, told, here))
            told = here
        if not stages:
            return
        composer = self.composer
        pairs = [(composer.t.node(a), composer.t.node(b)) for a, b in seen.substitutions]
        if pairs:
            formulas = tuple(Formula(a, b) for a, b in pairs)
            yield Block(self.say("substitutions"), (), formulas, says=(self.say("substitutions says"),))
        if seen.laws:
            formulas = tuple(Formula(composer.t.node(l.left), composer.t.node(l.right)) for l in seen.laws)
            yield Block(self.say("theorems"), (), formulas, says=(self.say("theorems says"),))
        for stage, before, after in stages:
            yield self._stage(stage.name, stage.program, before, after)

    def _printed(self, program: Program) -> dict[str, str]:
        """The derivative's equations by name, as printed: what only changed its letters did not change."""
        composer = Composer(program, self.primal)
        own = [s for s in program.statements if s.name not in self.primal.definitions]
        return {s.name: repr(composer.block("", (), (s,)).formulas) for s in own}

    def _stage(self, name: str, program: Program, before: dict[str, str], after: dict[str, str]) -> Block:
        changed = [s for s in program.statements if s.name in after and before.get(s.name) != after[s.name]]
        gone = [n for n in before if n not in after]
        says = [self.say(f"{name} says")] + ([self.say("gone", names=", ".join(gone))] if gone else [])
        return Composer(program, self.primal).block(self.say(name), (), changed, says=tuple(says))

    # -------------------------------------------------------------------------- results

    def _closed(self) -> Iterator[Block]:
        blocks = derivative_blocks(Composer(self.walk.derived, self.primal), 1)
        for name, block in zip(self.walk.derived.outputs, blocks, strict=True):
            yield replace(block, title=self.say("closed", name=name), notes=())

    def _reused(self) -> Iterator[Block]:
        own = [s for s in self.walk.derived.statements if s.name not in self.primal.definitions]
        read = dict.fromkeys(n for s in own for n in tensors_read(s))
        values = [n for n in self.primal.definitions if n in read]
        inputs = [t.name for t in self.primal.inputs if t.name in read]
        says = [self.say("reused says", names=", ".join(values))] if values else []
        says += [self.say("reused inputs", names=", ".join(inputs))] if inputs else []
        if says:
            yield Block(self.say("reused"), (), (), says=tuple(says))

    def _matrices(self) -> Iterator[Block]:
        found = self.walk.matrices
        if found:
            composer = MatrixComposer(self.walk.derived, self.primal)
            chosen = [s for s in self.walk.derived.statements if s.name in found]
            yield composer.block(self.say("matrices"), (), chosen, says=(self.say("matrices says"),))

    def _code(self) -> Iterator[Block]:
        own = [s.name for s in self.walk.derived.statements if s.name not in self.primal.definitions]
        once = dict.fromkeys(self.walk.code[n] for n in own if n in self.walk.code)
        lines = [w for each in once for line in each for w in wrapped(line, CODE_WIDTH)]
        contractions = [f'# {n} = np.einsum("{c}", {", ".join(t)})' for n, (c, t) in self.walk.einsums.items()]
        if lines or contractions:
            yield Block(self.say("code"), (), (), says=(self.say("code says"),), code=(*lines, *contractions))

    def _numbers(self) -> Block:
        found = self.walk.example
        if found is None:
            return Block(self.say("numbers"), (), (), says=(self.say("no numbers"),))
        lines = [*_given(found)]
        for g, output in zip(found.gradients, self.walk.derived.outputs, strict=True):
            lines += ["", f"{output}  {self._corner(g)}", *_table(g)]
        return Block(self.say("numbers"), (), (), says=(self.say("numbers says"),), code=tuple(lines))

    def _corner(self, g: Gradient) -> str:
        rows, columns = len(g.places), len(g.places[0]) if g.places else 0
        shape = "×".join(map(str, g.shape)) or "1"
        whole = rows * columns == int(np.prod(g.shape, dtype=int))
        return f"[{shape}]" if whole else self.say("corner", rows=rows, columns=columns, shape=shape)

    def _cases(self) -> Iterator[Block]:
        if self.walk.cases:
            says = tuple(self.say(key, names=names) for key, names in self.walk.cases)
            yield Block(self.say("cases"), (), (), says=says)


def _summed(letters: tuple[L.Node, ...], term: L.Node) -> L.Node:
    """Σ over the letters, a minus sign before it."""
    if isinstance(term, L.Minus):
        return L.Minus(_summed(letters, term.body))
    return L.Big("sum", letters, (), term) if letters else term


def _marked(node: L.Node) -> L.Node:
    """∂ before the name of an element."""
    assert isinstance(node, L.Element)
    return L.Element("∂" + node.name, node.indices)


def _is_renaming(m: Move) -> bool:
    return not m.conditions and not m.binds and (isinstance(m.value, Letter) or bool(m.value.is_Integer))


def _conditions(e: Expr) -> Iterator[Expr]:
    return (n for n in walk(e) if isinstance(n, Compare))  # type: ignore[misc]


def _given(found: Example) -> Iterator[str]:
    """The data, as far as it is short."""
    sizes = [f"{name} = {n}" for name, n in found.sizes] + [f"{name} = {v}" for name, v in found.hypers]
    if sizes:
        yield ", ".join(sizes)
    for name, data in found.inputs:
        if data.size <= 9 and data.ndim <= 2:
            yield from _listed(name, data)


def _listed(name: str, data: np.ndarray) -> list[str]:
    """``x = [[1, 2], [3, 4]]``, a row a line where that is long."""
    shown = (np.round(data, 4) if data.dtype.kind == "f" else data).tolist()
    if len(f"{name} = {shown}") <= CODE_WIDTH or data.ndim < 2:
        return [f"{name} = {shown}"]
    blank = " " * len(f"{name} = [")
    return [
        (f"{name} = [" if i == 0 else blank) + str(row) + (",", "]")[i == len(shown) - 1] for i, row in enumerate(shown)
    ]


def _table(g: Gradient) -> Iterator[str]:
    """Two tables side by side."""
    for ours, theirs in zip(g.derived, g.measured, strict=True):
        yield "  " + " ".join(map(_number, ours)) + "    " + " ".join(map(_number, theirs))


def _number(value: float) -> str:
    return f"{value + 0.0:10.6f}" if abs(value) < 1000 else f"{value:10.3e}"
