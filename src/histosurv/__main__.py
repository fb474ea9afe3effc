"""``python -m histosurv``."""

from histosurv.cli import main

main()
