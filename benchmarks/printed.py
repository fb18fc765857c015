"""The printed formulas: lines, and what must not be left in them."""

from __future__ import annotations

from benchmarks.measure import Row

#: Lines of the printed gradient (statements behind the forward) that a person would write.
LINES = {"softmax": 1, "layer_norm": 3, "lstm": 12}


def rows() -> list[Row]:
    """Lines of the gradient formulas, and Kronecker deltas or Piecewise over the whole catalogue."""
    import derive

    found = [Row(f"{name} lines", lines(derive.load(name)), bar, "allowed", 1.0, "") for name, bar in LINES.items()]
    return [*found, Row("deltas and Piecewise printed", leftovers(), 1, "", 0.0, "")]


def lines(program) -> int:
    """Equations printed for the gradients."""
    import derive
    from derive import reports

    document = reports.derivative(derive.vjp(program), program)
    return sum(len(block.formulas) for block in document.blocks if not block.title.endswith("theorems"))


def leftovers() -> int:
    """Kronecker deltas and SymPy Piecewise in what the catalogue prints."""
    import derive
    from benchmarks.derivation import REQUIRED
    from derive import reports
    from derive.language import catalogue_index

    count = 0
    for name, (family, _) in catalogue_index().items():
        program = derive.load(name, **REQUIRED.get(name, {}))
        if family != "optimizer":
            text = reports.render(reports.derivative(derive.vjp(program), program))
            count += sum(text.count(word) for word in ("δ", "KroneckerDelta", "Piecewise"))
    return count
