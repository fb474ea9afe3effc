"""Sections of the report, one module each: from a run to sentences, figures and tables."""
