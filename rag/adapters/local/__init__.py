"""Models that run on this machine or behind an OpenAI-compatible server."""
