-- name: lock_models
-- Exclusively by whoever changes the models of a collection.
SELECT pg_advisory_xact_lock(hashtextextended(%(collection_id)s || '/models', 0))

-- name: share_models
-- By whoever publishes.
SELECT pg_advisory_xact_lock_shared(hashtextextended(%(collection_id)s || '/models', 0))

-- name: needed
-- The models of which every searchable chunk has a vector, or is to have one.
SELECT embedding_model AS model, dimensions FROM collections WHERE collection_id = %(collection_id)s
UNION ALL
SELECT model, dimensions FROM reembeddings
WHERE collection_id = %(collection_id)s AND status <> 'discarding'

-- name: staged_without
SELECT c.chunk_id, c.document_id, c.ordinal, c.text, c.headings, c.embedded_sha256, NULL AS title, NULL AS own_title
FROM chunks c
WHERE c.document_id = %(document_id)s AND c.build = %(claim)s
  AND NOT EXISTS (SELECT FROM chunk_embeddings e
                  WHERE e.tenant_id = c.tenant_id AND e.chunk_id = c.chunk_id
                    AND e.model = %(model)s AND e.dimensions = %(dimensions)s)
ORDER BY c.ordinal
LIMIT %(limit)s

-- name: searchable_without
-- In the order of documents and their chunks, beyond the place that was reached.
SELECT c.chunk_id, c.document_id, c.ordinal, c.text, c.headings, c.embedded_sha256, d.title, d.own_title
FROM documents d JOIN chunks c USING (tenant_id, document_id, build)
WHERE d.collection_id = %(collection_id)s AND d.document_id >= %(after_document)s
  AND (d.document_id > %(after_document)s OR c.ordinal > %(after_ordinal)s)
  AND NOT EXISTS (SELECT FROM chunk_embeddings e
                  WHERE e.tenant_id = c.tenant_id AND e.chunk_id = c.chunk_id
                    AND e.model = %(model)s AND e.dimensions = %(dimensions)s)
ORDER BY d.document_id, c.ordinal
LIMIT %(limit)s

-- name: searchable
SELECT c.chunk_id, c.document_id, c.ordinal, c.text, c.headings, c.embedded_sha256, d.title, d.own_title
FROM documents d JOIN chunks c USING (tenant_id, document_id, build)
WHERE d.collection_id = %(collection_id)s AND d.document_id >= %(after_document)s
  AND (d.document_id > %(after_document)s OR c.ordinal > %(after_ordinal)s)
ORDER BY d.document_id, c.ordinal
LIMIT %(limit)s

-- name: get
SELECT r.*, c.name, c.embedding_model AS serving_model, c.dimensions AS serving_dimensions
FROM reembeddings r JOIN collections c USING (tenant_id, collection_id)
WHERE r.collection_id = %(collection_id)s

-- name: progress
SELECT count(*) AS chunks, count(e.chunk_id) AS embedded
FROM documents d JOIN chunks c USING (tenant_id, document_id, build)
LEFT JOIN chunk_embeddings e ON e.tenant_id = c.tenant_id AND e.chunk_id = c.chunk_id
                            AND e.model = %(model)s AND e.dimensions = %(dimensions)s
WHERE d.collection_id = %(collection_id)s

-- name: start
INSERT INTO reembeddings (tenant_id, collection_id, model, dimensions, status)
VALUES (%(tenant)s, %(collection_id)s, %(model)s, %(dimensions)s, 'embedding')
ON CONFLICT DO NOTHING
RETURNING true

-- name: serve
UPDATE collections SET embedding_model = %(model)s, dimensions = %(dimensions)s, updated_at = now()
WHERE collection_id = %(collection_id)s

-- name: keep
UPDATE reembeddings
SET model = %(model)s, dimensions = %(dimensions)s, status = %(status)s, claim = claim + 1,
    complete = true, document_id = '', ordinal = -1, failure = NULL, lease_until = NULL
WHERE collection_id = %(collection_id)s

-- name: look_again
UPDATE reembeddings
SET complete = false, document_id = '', ordinal = -1, claim = claim + 1, lease_until = NULL, offered_at = now()
WHERE collection_id = %(collection_id)s

-- name: discard
UPDATE reembeddings
SET status = 'discarding', claim = claim + 1, failure = NULL, lease_until = NULL,
    offered_at = now() + %(delay)s
WHERE collection_id = %(collection_id)s

-- name: claim
UPDATE reembeddings
SET claim = claim + 1, lease_until = now() + %(lease)s
WHERE (tenant_id, collection_id) = (
    SELECT tenant_id, collection_id FROM reembeddings
    WHERE tenant_id = current_setting('acervo.tenant')
      AND (status = 'discarding' OR status = 'embedding' AND NOT complete)
      AND offered_at <= now() AND (lease_until IS NULL OR lease_until < now())
    ORDER BY offered_at
    LIMIT 1
    FOR UPDATE SKIP LOCKED)
RETURNING *

-- name: reached
SELECT document_id AS after_document, ordinal AS after_ordinal FROM reembeddings
WHERE collection_id = %(collection_id)s AND claim = %(claim)s

-- name: extend
UPDATE reembeddings SET lease_until = now() + %(lease)s
WHERE collection_id = %(collection_id)s AND claim = %(claim)s
RETURNING true

-- name: add_vectors
-- The lock keeps a chunk that is there, for no foreign key does: a vector must not outlive its chunk.
WITH kept AS (
    SELECT c.tenant_id, c.chunk_id, c.collection_id FROM chunks c
    WHERE c.chunk_id = ANY(%(chunk_ids)s::text[])
    FOR KEY SHARE
)
INSERT INTO chunk_embeddings (tenant_id, chunk_id, collection_id, model, embedding)
SELECT k.tenant_id, k.chunk_id, k.collection_id, %(model)s, i.embedding
FROM unnest(%(chunk_ids)s::text[], %(embeddings)s::halfvec[]) AS i (chunk_id, embedding)
JOIN kept k USING (chunk_id)
ON CONFLICT DO NOTHING

-- name: remove_vectors
WITH removed AS (
    DELETE FROM chunk_embeddings
    WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM chunk_embeddings
        WHERE collection_id = %(collection_id)s AND model = %(model)s AND dimensions = %(dimensions)s
        LIMIT %(limit)s
        FOR UPDATE SKIP LOCKED))
    RETURNING true
)
SELECT count(*) AS removed FROM removed

-- name: finish
DELETE FROM reembeddings
WHERE collection_id = %(collection_id)s AND claim = %(claim)s AND status = 'discarding'
  AND NOT EXISTS (SELECT FROM chunk_embeddings e
                  WHERE e.tenant_id = reembeddings.tenant_id AND e.collection_id = reembeddings.collection_id
                    AND e.model = reembeddings.model AND e.dimensions = reembeddings.dimensions)

-- name: release
-- What is complete has no place any more: it might name a document that is deleted.
UPDATE reembeddings
SET document_id = CASE WHEN %(complete)s THEN '' ELSE coalesce(%(last_document)s, document_id) END,
    ordinal = CASE WHEN %(complete)s THEN -1 ELSE coalesce(%(last_ordinal)s, ordinal) END,
    complete = %(complete)s, failure = %(failure)s, offered_at = now() + %(delay)s, lease_until = NULL
WHERE collection_id = %(collection_id)s AND claim = %(claim)s
