-- name: ensure
SELECT ensure_vector_index(c.collection_id, c.embedding_model, c.dimensions)
FROM collections c
WHERE c.collection_id = %(collection_id)s AND NOT c.deleting
  AND (SELECT sum(chunk_count) FROM keyword_segments s WHERE s.collection_id = c.collection_id) >= %(worthwhile)s
  AND to_regclass(vector_index_name(c.collection_id, c.embedding_model, c.dimensions)) IS NULL

-- name: ensure_other
-- While it has no vectors, so that nobody waits for more than a look at the table.
SELECT ensure_vector_index(%(collection_id)s, %(model)s, %(dimensions)s)
WHERE (SELECT sum(chunk_count) FROM keyword_segments s WHERE s.collection_id = %(collection_id)s) >= %(worthwhile)s

-- name: drop
SELECT drop_vector_index(%(collection_id)s, %(model)s, %(dimensions)s)
