"""Readers from bytes to extracted text with blocks, one module per format."""
