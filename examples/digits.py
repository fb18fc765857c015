"""The main job: read conv2d's formulas, see them checked, train a CNN on real digits in generated code alone.

``python -m examples.digits [--epochs 20] [--output build/digits]`` writes the generated files, the loss curves and
``digits.svg``; it exits with 1 when a promise is not kept.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

STEPS_COMPARED = 50
LARGEST_DIFFERENCE = 1e-9
LEAST_ACCURACY = 0.97

#: What is generated: definition, and the inputs its gradient is wanted by (all of them when empty).
GENERATED: dict[str, tuple[str, ...]] = {"cnn_loss": ("w1", "b1", "w2", "b2", "w3", "b3"), "cnn": (), "adam": ()}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the job; 0 if every promise holds."""
    parser = argparse.ArgumentParser(prog="python -m examples.digits", description=__doc__)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--output", type=Path, default=Path("build/digits"))
    options = parser.parse_args(arguments)
    begun = time.perf_counter()
    title("conv2d: its formulas, derived from the forward")
    derive_command("layer", "conv2d")
    title("conv2d: is it true?")
    checked = derive_command("check", "conv2d") == 0
    title("The CNN, its loss and Adam, as NumPy and Torch files")
    generate(options.output)
    title("Training on 1 437 handwritten digits, testing on 360")
    curves = train(options.output, options.epochs)
    plot(options.output / "digits.svg", curves)
    held = verdict(curves, checked)
    print(f"\nplot: {options.output / 'digits.svg'}    {time.perf_counter() - begun:.0f} s in all")
    return 0 if held else 1


def title(text: str) -> None:
    print(f"\n{text}\n{'─' * len(text)}", flush=True)


def derive_command(*arguments: str) -> int:
    """A ``derive`` command, as a person would type it."""
    print(f"$ derive {' '.join(arguments)}", flush=True)
    return subprocess.run([sys.executable, "-m", "derive", *arguments]).returncode


def generate(folder: Path) -> None:
    """``NAME_TARGET.py`` for every definition and target."""
    import derive

    folder.mkdir(parents=True, exist_ok=True)
    for name, wrt in GENERATED.items():
        program = derive.load(name)
        for target in ("numpy", "torch"):
            path = folder / f"{name}_{target}.py"
            made = derive.generate(program, target=target, wrt=wrt or None)
            made.save(path, force=True)
            print(f"{path}: {len(made.text.splitlines())} lines")


def train(folder: Path, epochs: int) -> dict[str, dict[str, Any]]:
    """NumPy in a process of its own, Torch here, then torch's own modules from the same start."""
    from examples import digits_torch

    command = [sys.executable, "-m", "examples.digits_numpy", str(folder), str(epochs)]
    subprocess.run(command, check=True)
    return {
        "NumPy": json.loads((folder / "numpy.json").read_text(encoding="utf-8")),
        "Torch": digits_torch.train(folder, epochs),
        "torch.nn": {"losses": digits_torch.reference(STEPS_COMPARED)},
    }


def verdict(curves: dict[str, dict[str, Any]], checked: bool) -> bool:
    """Prints each promise and whether it is kept."""
    truth = curves["torch.nn"]["losses"]
    held = checked
    for name in ("NumPy", "Torch"):
        losses, accuracy = curves[name]["losses"], curves[name]["accuracy"]
        worst = max(abs(a - b) for a, b in zip(losses, truth, strict=False))
        kept = worst <= LARGEST_DIFFERENCE and accuracy >= LEAST_ACCURACY
        print(
            f"{'kept' if kept else 'BROKEN'}: {name} code, test accuracy {accuracy:.1%} (≥ {LEAST_ACCURACY:.0%}), "
            f"largest difference from torch.nn over {len(truth)} steps {worst:.1e} (≤ {LARGEST_DIFFERENCE:.0e})"
        )
        held = held and kept
    return held


def plot(path: Path, curves: dict[str, dict[str, Any]]) -> None:
    """The loss curves as SVG."""
    from derive.reports import svg

    series = {f"{name} code": curves[name]["losses"] for name in ("NumPy", "Torch")}
    picture = svg.line_plot(series, "Loss on handwritten digits", "step", "loss", log_y=True)
    path.write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main())
