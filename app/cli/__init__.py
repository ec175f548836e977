"""The `acervo` command line."""
