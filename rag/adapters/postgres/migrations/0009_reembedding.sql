-- A chunk may have vectors of two models, or of one model in two numbers of dimensions.
ALTER TABLE chunk_embeddings
    ADD COLUMN dimensions integer NOT NULL GENERATED ALWAYS AS (vector_dims(embedding)) STORED;
ALTER TABLE chunk_embeddings DROP CONSTRAINT chunk_embeddings_pkey,
    ADD PRIMARY KEY (tenant_id, chunk_id, model, dimensions);
DROP INDEX chunk_embeddings_collection;
CREATE INDEX chunk_embeddings_collection ON chunk_embeddings (tenant_id, collection_id, model, dimensions);

-- A collection's other model: being made (embedding), served before (switched), or to go (discarding). The one
-- that serves stands in collections; a switch exchanges the two. Everything up to (document_id, ordinal) is
-- seen to. Whoever publishes chunks, or changes which models they need, holds lock_models (reembedding.sql).
CREATE TABLE reembeddings (
    tenant_id     text COLLATE "C" NOT NULL,
    collection_id text COLLATE "C" NOT NULL,
    model         text COLLATE "C" NOT NULL,
    dimensions    integer NOT NULL,
    status        text NOT NULL CHECK (status IN ('embedding', 'switched', 'discarding')),
    complete      boolean NOT NULL DEFAULT false,
    document_id   text COLLATE "C" NOT NULL DEFAULT '',
    ordinal       integer NOT NULL DEFAULT -1,
    claim         integer NOT NULL DEFAULT 0,
    failure       text,
    offered_at    timestamptz NOT NULL DEFAULT now(),
    lease_until   timestamptz,
    created_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, collection_id),
    FOREIGN KEY (tenant_id, collection_id) REFERENCES collections ON DELETE CASCADE
);
ALTER TABLE reembeddings ENABLE ROW LEVEL SECURITY;
ALTER TABLE reembeddings FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON reembeddings USING (tenant_id = current_setting('acervo.tenant', true));
GRANT SELECT, INSERT, UPDATE, DELETE ON reembeddings TO acervo_app;
