-- Texts in parts, staged like chunks: a text of hundreds of megabytes is in nobody's memory as a whole, and a
-- passage is read from the part that it stands in. start_offset and end_offset are places in the whole text.
ALTER TABLE document_texts
    ADD COLUMN build integer NOT NULL DEFAULT 0,
    ADD COLUMN part integer NOT NULL DEFAULT 0,
    ADD COLUMN start_offset integer NOT NULL DEFAULT 0,
    ADD COLUMN end_offset integer NOT NULL DEFAULT 0;
-- An owner who is no superuser would see no row of any tenant.
ALTER TABLE documents NO FORCE ROW LEVEL SECURITY;
ALTER TABLE document_texts NO FORCE ROW LEVEL SECURITY;
UPDATE document_texts t SET build = d.build, end_offset = char_length(t.text)
FROM documents d WHERE d.tenant_id = t.tenant_id AND d.document_id = t.document_id;
ALTER TABLE documents FORCE ROW LEVEL SECURITY;
ALTER TABLE document_texts FORCE ROW LEVEL SECURITY;
ALTER TABLE document_texts
    ALTER COLUMN build DROP DEFAULT,
    ALTER COLUMN part DROP DEFAULT,
    ALTER COLUMN start_offset DROP DEFAULT,
    ALTER COLUMN end_offset DROP DEFAULT,
    DROP CONSTRAINT document_texts_pkey,
    ADD PRIMARY KEY (tenant_id, document_id, build, part);

-- Documents that came inside of another one (attachments, lines of JSON); parent_build is the parent's in
-- which each was last found. Their bytes are in document_records.
ALTER TABLE documents
    ADD COLUMN parent_id text COLLATE "C",
    ADD COLUMN parent_build integer;
CREATE INDEX documents_parent ON documents (tenant_id, parent_id) WHERE parent_id IS NOT NULL;
CREATE FUNCTION delete_children() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    UPDATE documents
    SET status = 'deleting', build = 0, version = 0, latest_version = latest_version + 1, attempts = 0,
        offered_at = now(), lease_until = NULL, updated_at = now()
    WHERE tenant_id = new.tenant_id AND parent_id = new.document_id AND status <> 'deleting';
    RETURN NULL;
END
$$;
CREATE TRIGGER delete_children AFTER UPDATE OF status ON documents FOR EACH ROW
    WHEN (new.status = 'deleting' AND old.status <> 'deleting') EXECUTE FUNCTION delete_children();
