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

-- What a document calls itself, for the day on which its side-car no longer gives it a title.
ALTER TABLE documents ADD COLUMN own_title text;
UPDATE documents SET own_title = title;

-- The ids of all tenants, and nothing else of them, for a transaction that says it is the worker's.
CREATE POLICY worker ON tenants FOR SELECT USING (current_setting('acervo.worker', true) = 'on');
