"""One vector per tile: VGG-16, computed once and kept."""
