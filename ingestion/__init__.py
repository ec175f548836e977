"""The write path: event, source, parse, chunk, embed, store."""
