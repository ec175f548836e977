-- The languages of a collection's documents: a query is analysed in each.
CREATE TABLE collection_languages (
    tenant_id     text COLLATE "C" NOT NULL,
    collection_id text COLLATE "C" NOT NULL,
    language      text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, collection_id, language),
    FOREIGN KEY (tenant_id, collection_id) REFERENCES collections ON DELETE CASCADE
);
-- The owner of a table on RDS is no superuser: the policies would hide every document.
ALTER TABLE documents NO FORCE ROW LEVEL SECURITY;
INSERT INTO collection_languages
SELECT DISTINCT tenant_id, collection_id, language FROM documents WHERE language IS NOT NULL;
ALTER TABLE documents FORCE ROW LEVEL SECURITY;

CREATE FUNCTION note_language() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO collection_languages VALUES (new.tenant_id, new.collection_id, new.language)
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
CREATE TRIGGER note_language AFTER UPDATE OF language ON documents FOR EACH ROW
    WHEN (new.language IS NOT NULL AND new.language IS DISTINCT FROM old.language)
    EXECUTE FUNCTION note_language();

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['collection_languages'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format(
            'CREATE POLICY tenant ON %I USING (tenant_id = current_setting(''acervo.tenant'', true))', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO acervo_app', name);
    END LOOP;
END
$$;
