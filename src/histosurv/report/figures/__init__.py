"""Figures of the report, one module each; every function returns the text of an SVG."""
