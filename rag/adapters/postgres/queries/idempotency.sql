-- name: expire
DELETE FROM idempotency_keys WHERE created_at < now() - interval '24 hours'

-- name: begin
INSERT INTO idempotency_keys (tenant_id, key, request_sha256) VALUES (%(tenant)s, %(key)s, %(request_sha256)s)
ON CONFLICT (tenant_id, key) DO NOTHING
RETURNING true

-- name: take_over
UPDATE idempotency_keys SET created_at = now()
WHERE key = %(key)s AND status IS NULL AND created_at < now() - interval '5 minutes'
RETURNING true

-- name: first
SELECT request_sha256, status, headers, body FROM idempotency_keys WHERE key = %(key)s

-- name: finish
UPDATE idempotency_keys SET status = %(status)s, headers = %(headers)s, body = %(body)s WHERE key = %(key)s

-- name: abandon
DELETE FROM idempotency_keys WHERE key = %(key)s AND status IS NULL
