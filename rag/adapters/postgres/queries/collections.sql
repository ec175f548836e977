-- name: ensure_tenant
INSERT INTO tenants (tenant_id) VALUES (%(tenant)s) ON CONFLICT DO NOTHING

-- name: create
INSERT INTO collections
    (tenant_id, collection_id, name, description, language, chunking, metadata, embedding_model, dimensions)
VALUES (%(tenant)s, %(collection_id)s, %(name)s, %(description)s, %(language)s, %(chunking)s, %(metadata)s,
        %(embedding_model)s, %(dimensions)s)
ON CONFLICT (tenant_id, name) WHERE NOT deleting DO NOTHING
RETURNING true

-- name: get
SELECT c.*, n.document_count, n.outdated_count
FROM collections c, LATERAL (
    SELECT count(*) AS document_count,
           count(*) FILTER (WHERE d.build > 0 AND d.chunking_version < c.chunking_version) AS outdated_count
    FROM documents d
    WHERE d.tenant_id = c.tenant_id AND d.collection_id = c.collection_id AND d.status <> 'deleting') n
WHERE c.name = %(name)s AND NOT c.deleting

-- name: list
SELECT c.*, n.document_count, n.outdated_count
FROM collections c, LATERAL (
    SELECT count(*) AS document_count,
           count(*) FILTER (WHERE d.build > 0 AND d.chunking_version < c.chunking_version) AS outdated_count
    FROM documents d
    WHERE d.tenant_id = c.tenant_id AND d.collection_id = c.collection_id AND d.status <> 'deleting') n
WHERE NOT c.deleting AND c.collection_id > %(after)s
ORDER BY c.collection_id
LIMIT %(limit)s

-- name: update
UPDATE collections
SET description = coalesce(%(description)s, description),
    language = coalesce(%(language)s, language),
    chunking = coalesce(%(chunking)s, chunking),
    chunking_version = chunking_version + (chunking <> coalesce(%(chunking)s, chunking))::integer,
    metadata = coalesce(%(metadata)s, metadata),
    updated_at = now()
WHERE name = %(name)s AND NOT deleting

-- name: hide
UPDATE collections SET deleting = true, updated_at = now()
WHERE name = %(name)s AND NOT deleting
RETURNING collection_id

-- name: delete_documents
UPDATE documents
SET status = 'deleting', build = 0, version = 0, latest_version = latest_version + 1, attempts = 0,
    offered_at = now(), lease_until = NULL, updated_at = now()
WHERE collection_id = %(collection_id)s AND status <> 'deleting'

-- name: remove_if_empty
DELETE FROM collections c
WHERE c.collection_id = %(collection_id)s AND c.deleting
  AND NOT EXISTS (SELECT FROM documents d
                  WHERE d.tenant_id = c.tenant_id AND d.collection_id = c.collection_id)
RETURNING true
