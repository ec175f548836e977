-- name: lock_key
SELECT pg_advisory_xact_lock(hashtextextended(%(collection_id)s || '/' || %(key)s, 0))

-- name: known
SELECT document_id, status, version, latest_version, source_order, source_etag, source_uri, parent_id
FROM documents WHERE collection_id = %(collection_id)s AND key = %(key)s
FOR UPDATE

-- name: tombstone
SELECT source_order FROM tombstones
WHERE collection_id = %(collection_id)s AND key = %(key)s AND door = %(door)s

-- name: order
SELECT greatest((SELECT source_order FROM documents
                 WHERE collection_id = %(collection_id)s AND key = %(key)s),
                (SELECT max(source_order) FROM tombstones
                 WHERE collection_id = %(collection_id)s AND key = %(key)s AND door <> 'kinesis')) AS known

-- name: bury
INSERT INTO tombstones (tenant_id, collection_id, key, door, source_order)
VALUES (%(tenant)s, %(collection_id)s, %(key)s, %(door)s, %(order)s)
ON CONFLICT (tenant_id, collection_id, key, door)
DO UPDATE SET source_order = greatest(tombstones.source_order, excluded.source_order), deleted_at = now()

-- name: unearth
DELETE FROM tombstones
WHERE collection_id = %(collection_id)s AND key = %(key)s AND door = %(door)s

-- name: insert
INSERT INTO documents (tenant_id, document_id, collection_id, key, size, status, title, media_type, metadata,
                       source_kind, source_uri, source_etag, source_order, parent_id)
VALUES (%(tenant)s, %(document_id)s, %(collection_id)s, %(key)s, %(size)s, 'pending', %(title)s, %(media_type)s,
        %(metadata)s, %(kind)s, %(uri)s, %(etag)s, %(order)s, %(parent_id)s)

-- name: renew_version
UPDATE documents
SET status = 'pending', latest_version = latest_version + 1, attempts = 0, failure = NULL,
    source_kind = %(kind)s, source_uri = %(uri)s, source_etag = %(etag)s, source_order = %(order)s,
    offered_at = now(), lease_until = NULL, updated_at = now()
WHERE document_id = %(document_id)s

-- name: touch
UPDATE documents SET source_order = %(order)s WHERE document_id = %(document_id)s

-- name: offer_again
UPDATE documents
SET status = 'pending', latest_version = latest_version + 1, attempts = 0, failure = NULL,
    offered_at = now(), lease_until = NULL, updated_at = now()
WHERE document_id = %(document_id)s

-- name: save_record
INSERT INTO document_records (tenant_id, document_id, record)
VALUES (%(tenant)s, %(document_id)s, %(record)s)
ON CONFLICT (tenant_id, document_id) DO UPDATE SET record = excluded.record

-- name: record_conflict
INSERT INTO document_history (tenant_id, document_id, version, event, detail)
SELECT %(tenant)s, %(document_id)s, %(version)s, 'conflicting_source', %(uri)s
WHERE NOT EXISTS (SELECT FROM document_history
                  WHERE document_id = %(document_id)s AND event = 'conflicting_source' AND detail = %(uri)s)

-- name: mark_deleting
UPDATE documents
SET status = 'deleting', build = 0, version = 0, latest_version = latest_version + 1, attempts = 0,
    source_order = %(order)s, offered_at = now(), lease_until = NULL, updated_at = now()
WHERE document_id = %(document_id)s

-- name: vanish
UPDATE documents SET status = 'deleting', build = 0, version = 0, updated_at = now()
WHERE document_id = %(document_id)s AND claim = %(claim)s AND latest_version = %(version)s
  AND status = 'processing'
RETURNING true

-- name: states
SELECT c.name AS collection, d.key, d.source_etag, d.source_uri
FROM documents d JOIN collections c USING (tenant_id, collection_id)
WHERE NOT c.deleting AND d.status <> 'deleting' AND d.parent_id IS NULL

-- name: claim
UPDATE documents d
SET status = CASE d.status WHEN 'deleting' THEN 'deleting' ELSE 'processing' END,
    claim = claim + 1, attempts = attempts + 1, lease_until = now() + %(lease)s, updated_at = now()
WHERE (tenant_id, document_id) = (
    SELECT tenant_id, document_id FROM documents
    WHERE tenant_id = current_setting('acervo.tenant')
      AND status IN ('pending', 'processing', 'deleting')
      AND offered_at <= now() AND (lease_until IS NULL OR lease_until < now())
    ORDER BY offered_at, document_id
    LIMIT 1
    FOR UPDATE SKIP LOCKED)
RETURNING *

-- name: claim_one
UPDATE documents
SET status = CASE status WHEN 'deleting' THEN 'deleting' ELSE 'processing' END,
    claim = claim + 1, attempts = attempts + 1, lease_until = now() + %(lease)s, updated_at = now()
WHERE document_id = %(document_id)s AND status IN ('pending', 'processing', 'deleting')
  AND (lease_until IS NULL OR lease_until < now())
RETURNING *

-- name: claim_outdated
-- A searchable document whose chunks are of an earlier chunking: no event, so no other version.
UPDATE documents
SET status = 'processing', claim = claim + 1, attempts = 1, lease_until = now() + %(lease)s,
    offered_at = now(), updated_at = now()
WHERE (tenant_id, document_id) = (
    SELECT d.tenant_id, d.document_id
    FROM collections c JOIN documents d USING (tenant_id, collection_id)
    WHERE c.tenant_id = current_setting('acervo.tenant') AND NOT c.deleting
      AND d.status = 'ready' AND d.chunking_version < c.chunking_version
    LIMIT 1
    FOR UPDATE OF d SKIP LOCKED)
RETURNING *

-- name: source_record
SELECT record FROM document_records WHERE document_id = %(document_id)s

-- name: collection
SELECT c.*, 0 AS document_count, 0 AS outdated_count, r.model AS other_model, r.dimensions AS other_dimensions
FROM collections c
LEFT JOIN reembeddings r ON r.tenant_id = c.tenant_id AND r.collection_id = c.collection_id
                        AND r.status <> 'discarding'
WHERE c.collection_id = %(collection_id)s

-- name: extend
UPDATE documents SET lease_until = now() + %(lease)s
WHERE document_id = %(document_id)s AND claim = %(claim)s AND latest_version = %(version)s
  AND status = 'processing'
RETURNING true

-- name: embeddings
SELECT DISTINCT ON (c.embedded_sha256) c.embedded_sha256, e.embedding
FROM chunks c JOIN chunk_embeddings e USING (tenant_id, chunk_id)
WHERE c.tenant_id = current_setting('acervo.tenant')
  AND c.embedded_sha256 = ANY(%(hashes)s) AND e.model = %(model)s
  AND e.dimensions = %(dimensions)s

-- name: publish
UPDATE documents
-- Other bytes than those of the version that was to be chunked anew are a version of their own.
SET status = 'ready', build = %(claim)s, failure = NULL, lease_until = NULL,
    version = %(version)s + (version = %(version)s AND content_sha256 <> %(content_sha256)s)::integer,
    latest_version = %(version)s + (version = %(version)s AND content_sha256 <> %(content_sha256)s)::integer,
    chunking_version = %(chunking_version)s,
    content_sha256 = %(content_sha256)s, recipe = %(recipe)s, size = %(size)s, title = %(title)s,
    own_title = %(own_title)s, media_type = %(media_type)s, metadata = %(metadata)s, language = %(language)s,
    chunk_count = %(chunk_count)s, page_count = %(page_count)s,
    source_etag = coalesce(nullif(%(source_etag)s, ''), source_etag), ready_at = now(), updated_at = now()
WHERE document_id = %(document_id)s AND claim = %(claim)s AND latest_version = %(version)s
  AND status = 'processing'
RETURNING version

-- name: is_published
SELECT EXISTS (SELECT FROM documents WHERE document_id = %(document_id)s AND build = %(claim)s) AS found

-- name: save_text
INSERT INTO document_texts (tenant_id, document_id, build, part, start_offset, end_offset, text, page_starts)
VALUES (%(tenant)s, %(document_id)s, %(claim)s, %(part)s, %(start)s, %(end)s, %(text)s, %(page_starts)s)
ON CONFLICT (tenant_id, document_id, build, part) DO NOTHING

-- name: remove_other_builds
DELETE FROM chunks c USING documents d
WHERE d.document_id = %(document_id)s AND c.tenant_id = d.tenant_id AND c.document_id = d.document_id
  AND c.build <> d.build

-- name: remove_other_texts
DELETE FROM document_texts t USING documents d
WHERE d.document_id = %(document_id)s AND t.tenant_id = d.tenant_id AND t.document_id = d.document_id
  AND t.build <> d.build

-- name: remove_own_build
DELETE FROM chunks WHERE document_id = %(document_id)s AND build = %(claim)s

-- name: remove_own_texts
DELETE FROM document_texts WHERE document_id = %(document_id)s AND build = %(claim)s

-- name: adopt
UPDATE documents SET parent_build = %(claim)s WHERE document_id = %(child_id)s

-- name: delete_other_children
UPDATE documents
SET status = 'deleting', build = 0, version = 0, latest_version = latest_version + 1, attempts = 0,
    offered_at = now(), lease_until = NULL, updated_at = now()
WHERE tenant_id = current_setting('acervo.tenant') AND parent_id = %(document_id)s
  AND parent_build < %(claim)s AND status <> 'deleting'

-- name: confirm
UPDATE documents
SET status = 'ready', latest_version = version, failure = NULL, lease_until = NULL,
    chunking_version = %(chunking_version)s,
    title = coalesce(%(title)s, own_title), metadata = %(metadata)s,
    source_etag = coalesce(nullif(%(source_etag)s, ''), source_etag), updated_at = now()
WHERE document_id = %(document_id)s AND claim = %(claim)s AND latest_version = %(version)s
  AND status = 'processing'
RETURNING true

-- name: release
UPDATE documents
SET status = CASE status WHEN 'deleting' THEN 'deleting' ELSE 'pending' END,
    attempts = attempts - %(uncounted)s, offered_at = now() + %(delay)s, lease_until = NULL,
    updated_at = now()
WHERE document_id = %(document_id)s AND claim = %(claim)s AND latest_version = %(version)s
  AND status IN ('processing', 'deleting')
RETURNING true

-- name: fail
UPDATE documents SET status = 'failed', failure = %(failure)s, lease_until = NULL, updated_at = now()
WHERE document_id = %(document_id)s AND claim = %(claim)s AND latest_version = %(version)s
  AND status = 'processing'
RETURNING true

-- name: redact_queries
-- A follow-up question that stands alone may repeat what the turns before it said.
UPDATE answers SET body = body || '{"query": null}'
WHERE conversation_id IN (SELECT conversation_id FROM answers WHERE cited_documents @> ARRAY[%(document_id)s])

-- name: erase_answers
DELETE FROM answers WHERE cited_documents @> ARRAY[%(document_id)s]

-- name: redact_passages
UPDATE answers
SET passages = (SELECT jsonb_agg(CASE p.value #>> '{document,id}' WHEN %(document_id)s
                                 THEN p.value || '{"text": ""}' ELSE p.value END ORDER BY p.ordinality)
                FROM jsonb_array_elements(passages) WITH ORDINALITY p)
WHERE passages @> jsonb_build_array(jsonb_build_object('document', jsonb_build_object('id', %(document_id)s::text)))

-- name: erase_stored_responses
DELETE FROM idempotency_keys WHERE position(%(document_id)s IN body) > 0

-- name: erase_document
DELETE FROM documents
WHERE document_id = %(document_id)s AND latest_version = %(version)s AND status = 'deleting'
RETURNING source_order, split_part(source_uri, ':', 1) AS door
