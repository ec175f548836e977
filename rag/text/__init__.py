"""Language-aware text analysis shared by indexing, searching and answering."""
