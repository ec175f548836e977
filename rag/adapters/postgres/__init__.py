"""Collections, ledger, chunks and answers in PostgreSQL with pgvector."""
