"""The functions' bundles: what goes into each, and how it is put together without Docker."""
