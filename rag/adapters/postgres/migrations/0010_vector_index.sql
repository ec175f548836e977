-- Of half a million passages (python -m bench.search) these find 0.986 of the nearest ten with ef_search = 1000;
-- m = 16, ef_construction = 128, of which an index was made by hand there (2026-11), found 0.975. An
-- index that was made before stays as it is until it is made anew (`acervo index`).
CREATE OR REPLACE FUNCTION ensure_vector_index(collection text, model text, dimensions integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(vector_index_name(collection, model, dimensions), 0));
    EXECUTE format(
        'CREATE INDEX IF NOT EXISTS %I ON chunk_embeddings'
        ' USING hnsw ((embedding::halfvec(%s)) halfvec_cosine_ops) WITH (m = 24, ef_construction = 200)'
        ' WHERE collection_id = %L AND model = %L AND vector_dims(embedding) = %s',
        vector_index_name(collection, model, dimensions), dimensions, collection, model, dimensions);
END
$$;
