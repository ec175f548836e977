"""The JSON of requests and responses, and their conversion from and to domain values."""
