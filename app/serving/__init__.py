"""The HTTP server of local mode: uvicorn, with limits on what one client may hold, and a tame log."""
