"""Files below a folder that others may write: which are documents, and how they are opened."""
