"""One module or folder per technology; the only importers of SDKs."""
