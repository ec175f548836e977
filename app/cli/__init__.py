"""The command line: an HTTP client."""
