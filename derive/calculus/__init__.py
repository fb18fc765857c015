"""Derivatives of programs as programs: any order, any construct of the language.

May import program, functions, errors and order; knows nothing of text, code or arrays.
"""
