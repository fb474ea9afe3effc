"""What differs between two finished runs, one module per kind."""
