-- A change of a collection's chunking makes its documents outdated, without writing to any of them: those whose
-- searchable chunks are of an earlier version are built anew when nothing else is to be done.
ALTER TABLE collections ADD COLUMN chunking_version integer NOT NULL DEFAULT 1;
ALTER TABLE documents ADD COLUMN chunking_version integer NOT NULL DEFAULT 1;
CREATE INDEX documents_chunking ON documents (tenant_id, collection_id, chunking_version)
    WHERE status = 'ready';
