-- An index is made with ef_construction = 200, and takes in what comes later with 100, which pgvector reads from
-- the index's options at each insert: beside eight searching clients a third more documents a second are
-- written (python -m bench.search --mixed). Of half a million passages an index made with 100 throughout finds
-- 0.977 of the nearest ten, one made with 200 finds 0.982; to make it anew: `acervo index`.
CREATE OR REPLACE FUNCTION ensure_vector_index(collection text, model text, dimensions integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    name text := vector_index_name(collection, model, dimensions);
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(name, 0));
    IF to_regclass(name) IS NULL THEN
        EXECUTE format(
            'CREATE INDEX %I ON chunk_embeddings'
            ' USING hnsw ((embedding::halfvec(%s)) halfvec_cosine_ops) WITH (m = 24, ef_construction = 200)'
            ' WHERE collection_id = %L AND model = %L AND vector_dims(embedding) = %s',
            name, dimensions, collection, model, dimensions);
        EXECUTE format('ALTER INDEX %I SET (ef_construction = 100)', name);
    END IF;
END
$$;

DO $$
DECLARE
    index regclass;
BEGIN
    FOR index IN
        SELECT i.indexrelid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a ON a.oid = c.relam
        WHERE i.indrelid = 'chunk_embeddings'::regclass AND a.amname = 'hnsw'
    LOOP
        EXECUTE format('ALTER INDEX %s SET (ef_construction = 100)', index);
    END LOOP;
END
$$;
