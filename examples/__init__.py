"""Whole jobs done with generated code."""
