"""Side-by-side benchmarks; each prints a table or JSON."""
