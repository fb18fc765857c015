"""Makes ``maths.woff2``, the part of STIX Two Math that our formulas use.  Run by hand when a character is missing.

    npm pack @fontsource/stix-two-math && tar xzf fontsource-stix-two-math-*.tgz
    pip install 'fonttools[woff]'
    python -m derive.reports.html.make_font package/files/stix-two-math-latin-400-normal.woff2

The font is under the SIL Open Font License, whose text is in ``OFL.txt`` beside it.
"""

from __future__ import annotations

import sys
from pathlib import Path

FONT = Path(__file__).with_name("maths.woff2")

_LATIN = "".join(map(chr, range(0x20, 0x7F))) + "\N{NO-BREAK SPACE}"
_GREEK = "αβγδεζηθικλμνξπρςστυφχψωϵϑϕϱΓΔΘΛΞΠΣΦΨΩ"
_SIGNS = "·×÷±−∓∑∏∫√∛∞∂∇≤≥≠≈≡∣∤∥∈∉∅⊙⊗⊕∘⊤⊥⌊⌋⌈⌉⟨⟩…⋯⋮⋱′″→←↔⇒↦¬∧∨∀∃ℝℕℤ‖ \u2061\u2062\u2063\u2064–—’“”°²³¹"
#: A single letter in ``<mi>`` is set in the italic alphabets, whose h has a place of its own.
_ITALIC = "".join(map(chr, (*range(0x1D434, 0x1D468), *range(0x1D6E2, 0x1D71C)))) + "ℎ"

CHARACTERS = "".join(dict.fromkeys(_LATIN + _GREEK + _SIGNS + _ITALIC))


def make(source: str) -> int:
    """Writes the subset, with what a maths font needs to stretch and to shrink; its size in bytes."""
    from fontTools import subset

    options = subset.Options(
        flavor="woff2",
        layout_features=["ssty", "rtlm", "kern", "flac", "dtls"],
        hinting=False,
        desubroutinize=True,
        name_IDs=[0, 1, 2, 3, 4, 5, 6, 13, 14],
        notdef_outline=True,
    )
    font = subset.load_font(source, options)
    chosen = subset.Subsetter(options)
    chosen.populate(unicodes=[ord(c) for c in CHARACTERS])
    chosen.subset(font)
    subset.save_font(font, str(FONT), options)
    return FONT.stat().st_size


if __name__ == "__main__":
    print(f"{FONT.name}: {make(sys.argv[1])} bytes")
