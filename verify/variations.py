"""Example inputs varied: other values, other sizes, boundaries; what the function refuses is said in its own words.

Values keep the range, the scale and the sign of the example's.  Values of a sign that the example has none of are tried
too, but what is wrong there alone is a question to the user, not a failure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from torch import Tensor as Array

from derive.verify.targets import axes
from derive.verify.targets.resolve import raised
from derive.verify.targets.sandbox import Sandbox
from derive.verify.targets.target import Target, real_outputs

#: Where an example's values lie.
FREE, POSITIVE, NEGATIVE, UNIT = "any", "positive", "negative", "between 0 and 1"
#: Sizes tried for axes that are to be small and all different, and for those to be alike.
SMALL, ALIKE = (3, 2, 5, 4, 7, 6, 9, 8), (3, 4, 2, 6, 8)
#: A prime above the usual blocks of rows, and the entries up to which inputs may grow by it.
ODD, MOST = 67, 20_000
#: Entries up to which the example itself is small enough for every rung.
FEW = 2_000

#: How the words of a refusal begin that is the backward's alone.
BACKWARD, NO_TENSOR = "the backward raises", "it returns no real tensor"
NOTHING = "nothing comes out: every output is empty"
#: Whole numbers one place on: other values, each of which the example has.
MOVED = "whole numbers moved on"

PROBED = ("forward", "probes")
VALUES = ("contract", *PROBED)
ORDERS = ("higher orders", *VALUES)
FRESH = ("transforms", *PROBED)
KINKED = ("kinks", *PROBED)


@dataclass(frozen=True)
class Variation:
    """One case: its inputs and the rungs to climb, or the words in which the function refused it.

    ``kinked``: made to lie on kinks, where differences may not tell.  ``beyond``: of values that the example gives no
    warrant for.  ``asked``: whether the refusal is a question to the user.
    """

    case: str
    inputs: Mapping[str, Array] = field(default_factory=dict)
    rungs: tuple[str, ...] = ()
    refused: str = ""
    kinked: bool = False
    beyond: str = ""
    asked: bool = False


# ------------------------------------------------------------------------------ values


def draw(rng: np.random.Generator, example: Array, shape: tuple[int, ...], kind: str = "plain") -> Array:
    """Values of that kind in that shape, like the example's."""
    make = _VALUES.get(kind, _plain) if example.is_floating_point() else _whole
    if example.dtype == torch.bool:
        made = {"zeros": np.zeros(shape), "ones": np.ones(shape)}.get(kind, rng.random(shape) < 0.5)
        return torch.from_numpy(np.asarray(made)).to(torch.bool)
    return torch.from_numpy(np.asarray(make(rng, example, shape))).to(example.dtype)


def _plain(rng: np.random.Generator, example: Array, shape: tuple[int, ...]) -> np.ndarray:
    scale, domain = _scale(example), _domain(example)
    if domain == FREE:
        return scale * rng.normal(size=shape)
    if domain == UNIT:
        return float(example.max()) * rng.uniform(0.05, 0.95, size=shape)
    return (1 if domain == POSITIVE else -1) * scale * rng.uniform(0.05, 2, size=shape)


def _either_sign(rng: np.random.Generator, example: Array, shape: tuple[int, ...]) -> np.ndarray:
    return _scale(example) * rng.normal(size=shape)


def _ties(rng: np.random.Generator, example: Array, shape: tuple[int, ...]) -> np.ndarray:
    """Values of a few, many of them the same, 0 among them."""
    lowest, highest = {FREE: (-1, 1), NEGATIVE: (-1, 0)}.get(_domain(example), (0, 1))
    return _scale(example) * rng.integers(lowest, highest + 1, size=shape).astype(float)


def _large(rng: np.random.Generator, example: Array, shape: tuple[int, ...]) -> np.ndarray:
    """A thousand times a typical value, of both signs in turn where the example has both."""
    values = 1000.0 * np.asarray(_plain(rng, example, shape))
    if _domain(example) != FREE:
        return values
    return np.abs(values) * (1 - 2 * (np.arange(values.size) % 2)).reshape(shape)


def _zeros(rng: np.random.Generator, example: Array, shape: tuple[int, ...]) -> np.ndarray:
    """A third of the values zero."""
    return np.asarray(_plain(rng, example, shape) * (rng.random(shape) > 1 / 3))


def _whole(rng: np.random.Generator, example: Array, shape: tuple[int, ...]) -> np.ndarray:
    """Whole numbers within the example's, a permutation as another, sorted ones sorted."""
    if not example.numel():
        return np.zeros(shape, dtype=int)
    flat = example.reshape(-1)
    if example.ndim == 1 and shape == tuple(example.shape) and flat.unique().numel() == flat.numel() > 1:
        return flat.numpy() if bool((flat.diff() > 0).all()) else rng.permutation(flat.numpy())
    drawn = rng.integers(int(flat.min()), int(flat.max()) + 1, size=shape)
    ordered = example.ndim == 1 and flat.numel() > 2 and bool((flat.diff() >= 0).all())
    return np.sort(drawn) if ordered else drawn


_VALUES: dict[str, Callable[[np.random.Generator, Array, tuple[int, ...]], np.ndarray]] = {
    "plain": _plain,
    "zeros": _zeros,
    "ties": _ties,
    "large": _large,
    "either sign": _either_sign,
}


def _domain(example: Array) -> str:
    """What an example shows of where its values may lie; one of zeros, or of both signs, shows nothing."""
    finite = example[torch.isfinite(example)]
    if not finite.numel() or not bool(finite.any()):
        return FREE
    low, high = float(finite.min()), float(finite.max())
    if low >= 0:
        return UNIT if high <= 1 and low < high else POSITIVE
    return NEGATIVE if high <= 0 else FREE


def _scale(example: Array) -> float:
    """The size of a typical value."""
    finite = example[torch.isfinite(example)].double()
    if not finite.numel() or not bool(finite.any()):
        return 1.0
    return min(max(float(finite.square().mean().sqrt()), 0.1), 10.0)


def one_signed(target: Target) -> tuple[str, ...]:
    """The inputs whose example is of one sign alone."""
    own = (n for n in target.differentiable if n not in target.held)
    return tuple(n for n in own if _domain(target.inputs[n]) != FREE)


# ------------------------------------------------------------------------------ cases


@dataclass
class _Maker:
    """Draws inputs of one target in any shapes, and asks whether it accepts them."""

    target: Target
    seed: int
    sandbox: Sandbox | None = None
    unpulled: dict[str, axes.Shapes] = field(default_factory=dict)

    @cached_property
    def whole(self) -> tuple[str, ...]:
        """The inputs of whole numbers: labels, indices, lengths."""
        kinds = ((n, x) for n, x in self.target.inputs.items() if x.dtype != torch.bool)
        return tuple(n for n, x in kinds if not x.is_floating_point())

    @cached_property
    def movable(self) -> tuple[str, ...]:
        """Those of several whole inputs that may have other values: not what rises, as starts and ends do."""
        given = ((n, self.target.inputs[n].reshape(-1)) for n in self.whole if len(self.whole) > 1)
        return tuple(n for n, x in given if x.numel() > 1 and bool((x.diff() < 0).any()))

    @property
    def held(self) -> frozenset[str]:
        """What keeps its shape; several inputs of whole numbers hang together in ways that cannot be seen."""
        return self.target.held | (frozenset(self.whole) if len(self.whole) > 1 else frozenset())

    def short(self, shapes: axes.Shapes) -> str:
        """Whether an axis ends before an index that may point into it; code need not look before it reads there."""
        for name in self.whole:
            most = int(self.target.inputs[name].max()) if self.target.inputs[name].numel() else -1
            for n, x in self.target.inputs.items():
                for axis, (was, now) in enumerate(zip(x.shape, shapes[n], strict=True)):
                    if now <= most < was or now < most == was:
                        return f"{name} reaches up to {most}, so {n} axis {axis} stays longer than that"
        return ""

    def inputs(self, shapes: axes.Shapes, kind: str) -> dict[str, Array]:
        rng = np.random.default_rng([self.seed, *kind.encode()])
        return {n: self._one(rng, n, shape, kind) for n, shape in shapes.items()}

    def _one(self, rng: np.random.Generator, name: str, shape: tuple[int, ...], kind: str) -> Array:
        if name in self.whole and len(self.whole) > 1:
            given = self.target.inputs[name]
            return given.reshape(-1).roll(1).reshape(shape) if kind == MOVED and name in self.movable else given
        held = name in self.target.held and kind not in ("plain", "asymmetric")
        return draw(rng, self.target.inputs[name], shape, "plain" if held else kind)

    def refusal(self, shapes: axes.Shapes, kind: str = "plain") -> str:
        """The function's own words where it does not accept inputs of these shapes; empty where it does."""
        words = self._asked(shapes, kind)
        return "" if words.startswith(BACKWARD) else words

    def doubt(self, shapes: axes.Shapes) -> str:
        """The same, where the forward alone accepts them too: sizes of which only one of two is right."""
        words = self._asked(shapes, "plain")
        if words.startswith(BACKWARD):
            self.unpulled.setdefault(words, shapes)
        return words

    def _asked(self, shapes: axes.Shapes, kind: str) -> str:
        short = self.short(shapes)
        if short or self.sandbox is None:
            return short or self.answer((shapes, kind))
        return self.sandbox.ask((shapes, kind))

    def answer(self, question: tuple[axes.Shapes, str]) -> str:
        """What a call of inputs of these shapes raises, or its backward; native code may crash on them instead."""
        shapes, kind = question
        given = self.inputs(shapes, kind)
        leaves = {n: x.requires_grad_(n in self.target.differentiable) for n, x in given.items()}
        try:
            with torch.enable_grad():
                outputs = real_outputs(self.target.call(*(x.clone() for x in leaves.values())))
        except Exception as error:
            return raised(error)
        if not outputs:
            return NO_TENSOR
        if not any(0 in shape for shape in shapes.values()) and not any(y.numel() for y in outputs):
            return NOTHING  # an image smaller than the kernel: a check of no values would pass
        return _unpulled(outputs, [x for x in leaves.values() if x.requires_grad])

    def near(self) -> Variation:
        """The example moved by so small a part of each entry that the forward stays finite: zeros and signs stay."""
        for part in (1e-2, 1e-4, 1e-6):
            rng = np.random.default_rng([self.seed, 31])
            moved = {
                n: x * torch.from_numpy(np.asarray(1 + part * rng.normal(size=tuple(x.shape)))).to(x.dtype)
                if x.is_floating_point()
                else x
                for n, x in self.target.inputs.items()
            }
            found = _finite(self, Variation("near the example", moved, PROBED))
            if not found.refused:
                break
        return found


def _unpulled(outputs: Sequence[Array], leaves: Sequence[Array]) -> str:
    """What the backward raises under ones."""
    real = [y for y in outputs if y.requires_grad]
    try:
        if real:
            torch.autograd.grad(real, leaves, [torch.ones_like(y) for y in real], allow_unused=True)
    except Exception as error:
        words = raised(error)
        return "" if "fork" in words else f"{BACKWARD} {words}"  # autograd's threads of a device are not copied
    return ""


def variations(target: Target, seed: int) -> Iterator[Variation]:
    """The example as given, then its variations of values and of sizes."""
    entries = sum(x.numel() for x in target.inputs.values())
    few = entries <= FEW
    yield Variation("as given", target.inputs, ("precision", *(ORDERS if few else VALUES)))
    maker = _Maker(target, seed)
    maker.sandbox = Sandbox(maker.answer)
    try:
        yield from _varied(maker, few)
    finally:
        maker.sandbox.close()


def _varied(maker: _Maker, few: bool) -> Iterator[Variation]:
    target = maker.target
    given = {n: tuple(x.shape) for n, x in target.inputs.items()}
    trial = axes.Trial(maker.doubt)
    if not trial.accepts(given) and not trial.last.startswith(BACKWARD):
        yield maker.near()
        yield Variation("other values", refused=f"the function refuses them: {trial.last}")
        return
    found = axes.classes(given, trial, maker.held)
    small, _ = axes.chosen(given, found, lambda i, used: SMALL[i % 3 :] + SMALL[: i % 3], trial)
    yield from _values(maker, small, FRESH if few else ("higher orders", *FRESH))
    yield from _sizes(maker, small, found, trial)
    yield from (
        Variation(f"other sizes, {_said(shapes)}", refused=f"the forward accepts them, but {words}", asked=True)
        for words, shapes in list(maker.unpulled.items())[:1]
    )


def _values(maker: _Maker, shapes: axes.Shapes, rungs: tuple[str, ...]) -> Iterator[Variation]:
    """Fresh values, then those at the boundary of what is usual."""
    plain = _finite(maker, Variation("plain", maker.inputs(shapes, "plain"), rungs))
    yield plain
    if plain.refused:
        yield maker.near()
        return
    yield from _boundary(maker, shapes)
    if maker.movable:
        words = maker.refusal(shapes, MOVED)
        moved = Variation(MOVED, maker.inputs(shapes, MOVED), PROBED)
        yield Variation(MOVED, refused=f"the function refuses it: {words}") if words else _finite(maker, moved)
    if any(x.dtype == torch.bool for x in maker.target.inputs.values()):
        for value, kind in ((False, "all false"), (True, "all true")):
            masked = {n: torch.full_like(x, value) if x.dtype == torch.bool else x for n, x in plain.inputs.items()}
            yield _finite(maker, Variation(f"masks {kind}", masked, PROBED))
    signed = one_signed(maker.target)
    if signed:
        mixed = maker.inputs(shapes, "either sign")
        inputs = {n: mixed[n] if n in signed else x for n, x in plain.inputs.items()}
        beyond = f"the example of {', '.join(signed)} has one sign only"
        yield _finite(maker, Variation("either sign", inputs, PROBED, beyond=beyond))


def _boundary(maker: _Maker, shapes: axes.Shapes) -> Iterator[Variation]:
    """Zeros, ties and large values; where the example has none of them, what is wrong there is a question."""
    inputs = [maker.target.inputs[n] for n in maker.target.differentiable if n not in maker.target.held]
    no_zero = any(_domain(x) != FREE and bool((x != 0).all()) for x in inputs)
    unit = any(_domain(x) == UNIT for x in inputs)
    for kind, title in (("zeros", "some zeros"), ("ties", "ties")):
        beyond = "the example has one sign only, and no zero" if no_zero else ""
        yield _finite(maker, Variation(title, maker.inputs(shapes, kind), KINKED, kinked=True, beyond=beyond))
    beyond = "the example lies between 0 and 1" if unit else ""
    yield _finite(maker, Variation("large", maker.inputs(shapes, "large"), PROBED, beyond=beyond))


def _sizes(maker: _Maker, small: axes.Shapes, found: Sequence[axes.Class], trial: axes.Trial) -> Iterator[Variation]:
    """Sizes all different, all alike, one, none, and a batch that no block divides."""
    if not found:
        yield Variation("other sizes", refused=f"the function refuses every other size: {trial.last}")
        return
    shapes, taken = axes.chosen(small, found, lambda i, used: [n for n in SMALL if n not in used], trial)
    yield _finite(maker, Variation(f"asymmetric, {_said(shapes)}", maker.inputs(shapes, "asymmetric"), ORDERS))
    for n in ALIKE:
        alike, taken = axes.chosen(small, found, lambda i, used, n=n: (n,), trial)  # type: ignore[misc]
        if len(taken) == len(found):
            break
    if len(taken) > 1:
        yield _finite(maker, Variation(f"equal, {_said(alike)}", maker.inputs(alike, "plain"), PROBED))
    ones, taken = axes.chosen(small, found, lambda i, used: (1,), axes.Trial(maker.refusal))
    if taken:
        yield _finite(maker, Variation(f"size 1, {_said(ones)}", maker.inputs(ones, "plain"), VALUES))
    else:
        yield Variation("size 1", refused=f"the function refuses it: {trial.last}")
    yield _resized(maker, "empty", small, found[0], 0, trial, VALUES)
    odd = axes.resized(small, found[0], ODD)
    if sum(int(np.prod(s)) for s in odd.values()) <= MOST:
        yield _resized(maker, "odd batch", small, found[0], ODD, trial, PROBED)


def _resized(
    maker: _Maker,
    title: str,
    shapes: axes.Shapes,
    one: axes.Class,
    size: int,
    trial: axes.Trial,
    rungs: tuple[str, ...],
) -> Variation:
    shapes = axes.resized(shapes, one, size)
    refusal = maker.refusal(shapes)
    if refusal:
        return Variation(title, refused=f"the function refuses it: {refusal}")
    return _finite(maker, Variation(f"{title}, {_said(shapes)}", maker.inputs(shapes, "plain"), rungs))


def _finite(maker: _Maker, variation: Variation) -> Variation:
    """Refused where the forward is not finite there, or raises."""
    try:
        with torch.no_grad():
            outputs = real_outputs(maker.target.call(*(x.clone() for x in variation.inputs.values())))
    except Exception as error:
        return Variation(variation.case, refused=f"the function refuses it: {raised(error)}")
    if all(bool(torch.isfinite(y).all()) for y in outputs):
        return variation
    return Variation(variation.case, refused="the forward is not finite here")


def _said(shapes: axes.Shapes) -> str:
    """``x 3×2, w 5×2``; of many the first few."""
    words = [f"{n} {'×'.join(map(str, s)) or 'scalar'}" for n, s in shapes.items()]
    return ", ".join(words[:3]) + (", …" if len(words) > 3 else "")
