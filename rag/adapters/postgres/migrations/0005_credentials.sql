-- API keys, limits of tenants, and the tokens they used.

CREATE TABLE api_keys (
    tenant_id     text COLLATE "C" NOT NULL REFERENCES tenants,
    key_id        text COLLATE "C" NOT NULL,
    secret_sha256 text COLLATE "C" NOT NULL UNIQUE,
    name          text NOT NULL,
    scopes        text[] NOT NULL CHECK (scopes <@ ARRAY['read', 'write', 'admin'] AND scopes <> '{}'),
    created_at    timestamptz NOT NULL DEFAULT now(),
    last_used_at  timestamptz,
    revoked_at    timestamptz,
    PRIMARY KEY (tenant_id, key_id)
);

-- NULL: unlimited. A request moves next_request_at on by a minute's share, from now at the earliest; it may
-- not move beyond one minute from now.
CREATE TABLE tenant_limits (
    tenant_id           text COLLATE "C" PRIMARY KEY REFERENCES tenants,
    requests_per_minute integer CHECK (requests_per_minute > 0),
    tokens_per_month    bigint CHECK (tokens_per_month >= 0),
    next_request_at     timestamptz NOT NULL DEFAULT '-infinity'
) WITH (fillfactor = 50);

CREATE TABLE token_usage (
    tenant_id text COLLATE "C" NOT NULL REFERENCES tenants,
    month     date NOT NULL,
    tokens    bigint NOT NULL,
    PRIMARY KEY (tenant_id, month)
);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['api_keys', 'tenant_limits', 'token_usage'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format(
            'CREATE POLICY tenant ON %I USING (tenant_id = current_setting(''acervo.tenant'', true))', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO acervo_app', name);
    END LOOP;
END
$$;

-- Whose key it is must be known before any tenant is: who has the key's hash may read that one row.
CREATE POLICY presented ON api_keys FOR SELECT
    USING (secret_sha256 = current_setting('acervo.api_key_sha256', true));

-- Whether a tenant ever had a key, seen as the names of tenants are: by a transaction of the worker's.
ALTER TABLE tenants ADD COLUMN has_keys boolean NOT NULL DEFAULT false;

-- No row: the request is admitted. Else what refuses it, and for how many seconds.
CREATE FUNCTION admit(of_tenant text, spends_tokens boolean)
RETURNS TABLE (refusal text, wait_seconds integer) LANGUAGE plpgsql AS $$
DECLARE
    allowed tenant_limits;
    clock   timestamptz := clock_timestamp();
    begun   timestamp := date_trunc('month', clock AT TIME ZONE 'UTC');
    share   interval;
BEGIN
    PERFORM set_config('acervo.tenant', of_tenant, true);
    SELECT * INTO allowed FROM tenant_limits l WHERE l.tenant_id = of_tenant;
    IF spends_tokens AND allowed.tokens_per_month <= coalesce(
        (SELECT u.tokens FROM token_usage u WHERE u.tenant_id = of_tenant AND u.month = begun::date), 0)
    THEN
        RETURN QUERY SELECT 'token_budget', ceil(extract(
            epoch FROM (begun + interval '1 month') AT TIME ZONE 'UTC' - clock))::integer;
        RETURN;
    END IF;
    IF allowed.requests_per_minute IS NULL THEN
        RETURN;
    END IF;
    share := interval '1 minute' / allowed.requests_per_minute;
    -- A crash may forget the last moments' requests; no request waits for the disk.
    PERFORM set_config('synchronous_commit', 'off', true);
    UPDATE tenant_limits l SET next_request_at = greatest(l.next_request_at, clock) + share
    WHERE l.tenant_id = of_tenant AND greatest(l.next_request_at, clock) + share <= clock + interval '1 minute';
    IF NOT FOUND THEN
        RETURN QUERY
        SELECT 'request_rate', greatest(1, ceil(extract(
            epoch FROM l.next_request_at + share - interval '1 minute' - clock)))::integer
        FROM tenant_limits l WHERE l.tenant_id = of_tenant;
    END IF;
END
$$;

-- No row: there is no such key. Else whose it is, and what `admit` says.
CREATE FUNCTION admit_key(presented_sha256 text, spends_tokens boolean)
RETURNS TABLE (tenant text, scopes text[], refusal text, wait_seconds integer) LANGUAGE plpgsql AS $$
DECLARE
    key api_keys;
BEGIN
    PERFORM set_config('acervo.api_key_sha256', presented_sha256, true);
    SELECT * INTO key FROM api_keys k WHERE k.secret_sha256 = presented_sha256 AND k.revoked_at IS NULL;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    PERFORM set_config('acervo.tenant', key.tenant_id, true);
    IF key.last_used_at IS NULL OR key.last_used_at < now() - interval '1 minute' THEN
        PERFORM set_config('synchronous_commit', 'off', true);
        UPDATE api_keys k SET last_used_at = now()
        WHERE k.tenant_id = key.tenant_id AND k.key_id = key.key_id;
    END IF;
    RETURN QUERY
    SELECT key.tenant_id, key.scopes, a.refusal, a.wait_seconds
    FROM (VALUES (true)) always LEFT JOIN admit(key.tenant_id, spends_tokens) a ON true;
END
$$;
