"""The read path: retrieve, generate, verify citations, answer."""
