"""HTTP contract, version 1."""
