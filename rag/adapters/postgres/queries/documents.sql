-- name: get
SELECT d.*, c.name AS collection
FROM documents d JOIN collections c USING (tenant_id, collection_id)
WHERE d.document_id = %(document_id)s

-- name: find
SELECT d.*, c.name AS collection
FROM documents d JOIN collections c USING (tenant_id, collection_id)
WHERE c.name = %(collection)s AND NOT c.deleting AND d.key = %(key)s

-- name: list
SELECT d.*, c.name AS collection
FROM documents d JOIN collections c USING (tenant_id, collection_id)
WHERE d.collection_id = %(collection_id)s AND d.document_id > %(after)s
  AND (%(status)s::text IS NULL OR d.status = %(status)s)
  AND (%(key_prefix)s::text IS NULL OR starts_with(d.key, %(key_prefix)s))
ORDER BY d.document_id
LIMIT %(limit)s

-- name: set_metadata
UPDATE documents SET metadata = %(metadata)s, updated_at = now() WHERE document_id = %(document_id)s

-- name: retry
UPDATE documents
SET status = 'pending', failure = NULL, attempts = 0, offered_at = now(), updated_at = now()
WHERE document_id = %(document_id)s AND status = 'failed'
RETURNING true

-- name: text_parts
-- The first with its text. PostgreSQL tells how long the others are without reading them.
SELECT t.part, t.build, octet_length(t.text) AS size, CASE t.part WHEN 0 THEN t.text END AS text
FROM document_texts t JOIN documents d USING (tenant_id, document_id, build)
WHERE document_id = %(document_id)s
ORDER BY t.part

-- name: text_part
SELECT text FROM document_texts WHERE document_id = %(document_id)s AND build = %(build)s AND part = %(part)s

-- name: chunks
SELECT c.*, d.key, d.title, d.version, d.metadata, k.name AS collection
FROM documents d
JOIN collections k USING (tenant_id, collection_id)
JOIN chunks c USING (tenant_id, document_id, build)
WHERE d.document_id = %(document_id)s AND c.ordinal > %(after)s
ORDER BY c.ordinal
LIMIT %(limit)s

-- name: history
SELECT at, version, event, detail, entry FROM document_history
WHERE document_id = %(document_id)s AND entry > %(after)s
ORDER BY entry
LIMIT %(limit)s

-- name: source_record
SELECT record FROM document_records WHERE document_id = %(document_id)s

-- name: record
INSERT INTO document_history (tenant_id, document_id, version, event, detail)
VALUES (%(tenant)s, %(document_id)s, %(version)s, %(event)s, %(detail)s)
