"""Verdicts as one page to look at: a file that needs no network, no script and no other file.

``to_html`` makes the page of verdicts and of the documents of their formulas; ``formulas`` makes those documents for
the verdicts that the page shows in full, ``shown`` names them.
"""

from __future__ import annotations

from derive.reports.html.choice import shown
from derive.reports.html.formulas import formulas
from derive.reports.html.page import to_html

__all__ = ["formulas", "shown", "to_html"]
