"""How good a risk score is, and against whom: reads tables, never images."""
