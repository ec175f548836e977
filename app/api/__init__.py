"""The HTTP edge: FastAPI routes over a backend, knowing neither Lambda nor uvicorn nor local mode."""
