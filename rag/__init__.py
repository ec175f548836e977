"""Shared by both flows: what ingestion writes and the application reads."""
