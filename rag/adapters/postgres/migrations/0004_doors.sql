-- A key belongs to one door (folder, s3, kinesis: the scheme of source_uri), for the orders of two doors
-- cannot be compared. So each door has tombstones of its own.
ALTER TABLE tombstones ADD COLUMN door text COLLATE "C" NOT NULL DEFAULT 'folder';
ALTER TABLE tombstones ALTER COLUMN door DROP DEFAULT;
ALTER TABLE tombstones DROP CONSTRAINT tombstones_pkey,
    ADD PRIMARY KEY (tenant_id, collection_id, key, door);

-- The newest Kinesis record of a document: the stream forgets it, and no other place keeps it.
CREATE TABLE document_records (
    tenant_id   text COLLATE "C" NOT NULL,
    document_id text COLLATE "C" NOT NULL,
    record      bytea NOT NULL,
    PRIMARY KEY (tenant_id, document_id),
    FOREIGN KEY (tenant_id, document_id) REFERENCES documents ON DELETE CASCADE
);
ALTER TABLE document_records ENABLE ROW LEVEL SECURITY;
ALTER TABLE document_records FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON document_records USING (tenant_id = current_setting('acervo.tenant', true));
GRANT SELECT, INSERT, UPDATE, DELETE ON document_records TO acervo_app;
