"""What a person reads: one HTML file whose every number comes from the tables."""
