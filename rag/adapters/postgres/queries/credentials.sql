-- name: create
INSERT INTO api_keys (tenant_id, key_id, secret_sha256, name, scopes)
VALUES (%(tenant)s, %(key_id)s, %(sha256)s, %(name)s, %(scopes)s)
RETURNING *

-- name: close
UPDATE tenants SET has_keys = true WHERE tenant_id = %(tenant)s AND NOT has_keys

-- name: list
SELECT * FROM api_keys WHERE tenant_id = %(tenant)s ORDER BY key_id

-- name: revoke
UPDATE api_keys SET revoked_at = coalesce(revoked_at, now())
WHERE tenant_id = %(tenant)s AND key_id = %(key_id)s
RETURNING *

-- name: any_keys
SELECT EXISTS (SELECT FROM tenants WHERE has_keys) AS found

-- name: admit
SELECT * FROM admit(%(tenant)s, %(spends_tokens)s)

-- name: admit_key
SELECT * FROM admit_key(%(sha256)s, %(spends_tokens)s)

-- name: limits
SELECT requests_per_minute, tokens_per_month FROM tenant_limits WHERE tenant_id = %(tenant)s

-- name: set_limits
INSERT INTO tenant_limits (tenant_id, requests_per_minute, tokens_per_month)
VALUES (%(tenant)s, %(requests_per_minute)s, %(tokens_per_month)s)
ON CONFLICT (tenant_id)
DO UPDATE SET requests_per_minute = excluded.requests_per_minute,
              tokens_per_month = excluded.tokens_per_month

-- name: count_tokens
INSERT INTO token_usage (tenant_id, month, tokens)
VALUES (%(tenant)s, date_trunc('month', now() AT TIME ZONE 'UTC'), %(tokens)s)
ON CONFLICT (tenant_id, month) DO UPDATE SET tokens = token_usage.tokens + excluded.tokens

-- name: tokens_used
SELECT coalesce(sum(tokens), 0)::bigint AS tokens FROM token_usage
WHERE tenant_id = %(tenant)s AND month = date_trunc('month', now() AT TIME ZONE 'UTC')::date
