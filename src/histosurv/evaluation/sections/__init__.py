"""Rows of the metrics table and curves, one module per part of a study's evaluation."""
