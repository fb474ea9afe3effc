"""From tissue-microarray spots and a patient table to a survival report."""

__version__ = "0.1.0"
