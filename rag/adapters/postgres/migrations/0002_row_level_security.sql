-- One policy on every table: a row is visible and writable for its own tenant alone, which each
-- transaction names in acervo.tenant. Without it nothing is visible.
DO $$
DECLARE
    name text;
BEGIN
    FOR name IN
        SELECT c.relname FROM pg_class c
        WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format(
            'CREATE POLICY tenant ON %I USING (tenant_id = current_setting(''acervo.tenant'', true))', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO acervo_app', name);
    END LOOP;
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO acervo_app', current_schema());
END
$$;
