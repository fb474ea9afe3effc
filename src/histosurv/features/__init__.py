"""One vector per tile, computed once and kept."""
