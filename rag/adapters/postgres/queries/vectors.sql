-- name: ensure
SELECT ensure_vector_index(c.collection_id, c.embedding_model, c.dimensions)
FROM collections c
WHERE c.collection_id = %(collection_id)s AND NOT c.deleting AND c.indexes_vectors
  AND (SELECT sum(chunk_count) FROM keyword_segments s WHERE s.collection_id = c.collection_id) >= %(worthwhile)s
  AND to_regclass(vector_index_name(c.collection_id, c.embedding_model, c.dimensions)) IS NULL

-- name: ensure_other
-- While it has no vectors, so that nobody waits for more than a look at the table.
SELECT ensure_vector_index(%(collection_id)s, %(model)s, %(dimensions)s)
WHERE (SELECT sum(chunk_count) FROM keyword_segments s WHERE s.collection_id = %(collection_id)s) >= %(worthwhile)s

-- name: drop
SELECT drop_vector_index(%(collection_id)s, %(model)s, %(dimensions)s)

-- name: allow
UPDATE collections SET indexes_vectors = %(allowed)s, updated_at = now()
WHERE name = %(name)s AND NOT deleting
RETURNING collection_id, embedding_model AS model, dimensions

-- name: status
SELECT c.collection_id, c.name, c.embedding_model, c.dimensions, c.indexes_vectors,
       (SELECT coalesce(sum(d.chunk_count), 0)::bigint FROM documents d
        WHERE d.collection_id = c.collection_id AND d.build > 0) AS chunks,
       (SELECT coalesce(sum(d.chunk_count), 0)::bigint FROM documents d
        WHERE d.collection_id = c.collection_id AND d.build > 0 AND d.keyword_number IS NULL) AS waiting,
       (SELECT count(*) FROM keyword_segments s WHERE s.collection_id = c.collection_id) AS segments,
       (SELECT i.indisvalid FROM pg_index i
        WHERE i.indexrelid = to_regclass(vector_index_name(c.collection_id, c.embedding_model, c.dimensions)))
       IS TRUE AS vector_index,
       (SELECT max(p) FROM vector_index_progress(c.collection_id, c.embedding_model, c.dimensions) p) AS progress
FROM collections c
WHERE c.name = %(name)s AND NOT c.deleting

-- name: memory
SELECT set_config('maintenance_work_mem', %(memory)s, true)
