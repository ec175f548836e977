-- Tenants, collections, the ledger, chunks, conversations, answers.
-- Every table carries tenant_id, forces row-level security and belongs to the migrating role;
-- the application works as acervo_app, which owns nothing.

CREATE TABLE tenants (
    tenant_id  text COLLATE "C" PRIMARY KEY,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE collections (
    tenant_id       text COLLATE "C" NOT NULL REFERENCES tenants,
    collection_id   text COLLATE "C" NOT NULL,
    name            text COLLATE "C" NOT NULL,
    description     text,
    language        text NOT NULL,
    chunking        jsonb NOT NULL,
    metadata        jsonb NOT NULL,
    embedding_model text NOT NULL,
    dimensions      integer NOT NULL,
    deleting        boolean NOT NULL DEFAULT false,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, collection_id)
);
-- A name is free again as soon as its collection is being deleted.
CREATE UNIQUE INDEX collections_name ON collections (tenant_id, name) WHERE NOT deleting;

-- The ledger. `version` is the searchable one (0: none yet), `latest_version` the one last accepted;
-- content_sha256 and recipe describe the searchable version. Every claim by a worker gets a number of
-- its own and writes its chunks under it; `build` is the claim whose chunks readers see (0: none). So
-- a worker that lost its lease can neither publish nor mix its chunks with those of its successor.
CREATE TABLE documents (
    tenant_id       text COLLATE "C" NOT NULL,
    document_id     text COLLATE "C" NOT NULL,
    collection_id   text COLLATE "C" NOT NULL,
    key             text COLLATE "C" NOT NULL,
    title           text,
    media_type      text,
    size            bigint NOT NULL DEFAULT 0,
    content_sha256  text,
    recipe          text,
    version         integer NOT NULL DEFAULT 0,
    latest_version  integer NOT NULL DEFAULT 1,
    build           integer NOT NULL DEFAULT 0,
    claim           integer NOT NULL DEFAULT 0,
    status          text NOT NULL CHECK (status IN ('pending', 'processing', 'ready', 'failed', 'deleting')),
    failure         jsonb,
    metadata        jsonb NOT NULL DEFAULT '{}',
    language        text,
    chunk_count     integer NOT NULL DEFAULT 0,
    page_count      integer,
    source_kind     text NOT NULL,
    source_uri      text NOT NULL,
    source_etag     text NOT NULL,
    source_order    text COLLATE "C" NOT NULL,
    attempts        integer NOT NULL DEFAULT 0,
    offered_at      timestamptz NOT NULL DEFAULT now(),
    lease_until     timestamptz,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    ready_at        timestamptz,
    PRIMARY KEY (tenant_id, document_id),
    UNIQUE (tenant_id, collection_id, key),
    FOREIGN KEY (tenant_id, collection_id) REFERENCES collections
);
CREATE INDEX documents_queue ON documents (tenant_id, offered_at)
    WHERE status IN ('pending', 'processing', 'deleting');

-- What a deletion leaves behind: the order after which the key stays deleted.
CREATE TABLE tombstones (
    tenant_id     text COLLATE "C" NOT NULL,
    collection_id text COLLATE "C" NOT NULL,
    key           text COLLATE "C" NOT NULL,
    source_order  text COLLATE "C" NOT NULL,
    deleted_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, collection_id, key),
    FOREIGN KEY (tenant_id, collection_id) REFERENCES collections ON DELETE CASCADE
);

CREATE TABLE document_history (
    tenant_id   text COLLATE "C" NOT NULL,
    document_id text COLLATE "C" NOT NULL,
    entry       bigint GENERATED ALWAYS AS IDENTITY,
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    version     integer NOT NULL,
    event       text NOT NULL,
    detail      text NOT NULL DEFAULT '',
    PRIMARY KEY (tenant_id, document_id, entry),
    FOREIGN KEY (tenant_id, document_id) REFERENCES documents ON DELETE CASCADE
);

-- The extracted text of the searchable version; page_starts[i] is the offset of page i.
CREATE TABLE document_texts (
    tenant_id   text COLLATE "C" NOT NULL,
    document_id text COLLATE "C" NOT NULL,
    text        text NOT NULL,
    page_starts integer[] NOT NULL,
    PRIMARY KEY (tenant_id, document_id),
    FOREIGN KEY (tenant_id, document_id) REFERENCES documents ON DELETE CASCADE
);

-- Chunks of every build that is searchable or in the making; readers see documents.build only.
CREATE TABLE chunks (
    tenant_id       text COLLATE "C" NOT NULL,
    chunk_id        text COLLATE "C" NOT NULL,
    collection_id   text COLLATE "C" NOT NULL,
    document_id     text COLLATE "C" NOT NULL,
    build           integer NOT NULL,
    ordinal         integer NOT NULL,
    start_offset    integer NOT NULL,
    end_offset      integer NOT NULL,
    page            integer,
    page_breaks     integer[] NOT NULL,
    headings        text[] NOT NULL,
    language        text NOT NULL,
    text            text NOT NULL,
    terms           jsonb NOT NULL, -- analysed term: how often it occurs
    term_count      integer NOT NULL,
    embedded_sha256 bytea NOT NULL,
    PRIMARY KEY (tenant_id, chunk_id),
    UNIQUE (tenant_id, document_id, build, ordinal),
    FOREIGN KEY (tenant_id, document_id) REFERENCES documents ON DELETE CASCADE
)
-- Text and terms inline up to a page: out of line and compressed, reading the terms of 7,190 chunks took
-- 215 ms, inline 8 ms (2026-11, two cores).
WITH (toast_tuple_target = 8160);
CREATE INDEX chunks_collection ON chunks (tenant_id, collection_id);
CREATE INDEX chunks_terms ON chunks USING gin (terms);
-- Also the cache of embeddings: a vector paid for once is found again by the hash of its text.
CREATE INDEX chunks_embedded ON chunks (tenant_id, embedded_sha256);

-- Narrow and stored inline: a 1,024-dimension halfvec (2,056 bytes) would otherwise be moved out of
-- line, and exact search becomes three to six times slower (measured on 100,000 chunks, 2026-11).
CREATE TABLE chunk_embeddings (
    tenant_id     text COLLATE "C" NOT NULL,
    chunk_id      text COLLATE "C" NOT NULL,
    collection_id text COLLATE "C" NOT NULL,
    model         text COLLATE "C" NOT NULL,
    embedding     halfvec NOT NULL,
    PRIMARY KEY (tenant_id, chunk_id),
    FOREIGN KEY (tenant_id, chunk_id) REFERENCES chunks ON DELETE CASCADE
);
ALTER TABLE chunk_embeddings ALTER COLUMN embedding SET STORAGE PLAIN;
CREATE INDEX chunk_embeddings_collection ON chunk_embeddings (tenant_id, collection_id);

CREATE TABLE conversations (
    tenant_id       text COLLATE "C" NOT NULL REFERENCES tenants,
    conversation_id text COLLATE "C" NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, conversation_id)
);

-- `body` is the answer without its passages; `passages` is an array in the answer's order.
CREATE TABLE answers (
    tenant_id       text COLLATE "C" NOT NULL REFERENCES tenants,
    answer_id       text COLLATE "C" NOT NULL,
    conversation_id text COLLATE "C",
    question        text NOT NULL,
    body            jsonb NOT NULL,
    passages        jsonb NOT NULL,
    cited_documents text[] NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, answer_id),
    FOREIGN KEY (tenant_id, conversation_id) REFERENCES conversations ON DELETE CASCADE
);
CREATE INDEX answers_conversation ON answers (tenant_id, conversation_id, answer_id);
CREATE INDEX answers_passages ON answers USING gin (passages jsonb_path_ops);

CREATE TABLE feedback (
    tenant_id  text COLLATE "C" NOT NULL,
    answer_id  text COLLATE "C" NOT NULL,
    rating     text NOT NULL CHECK (rating IN ('up', 'down')),
    comment    text,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, answer_id),
    FOREIGN KEY (tenant_id, answer_id) REFERENCES answers ON DELETE CASCADE
);

-- The first response to an Idempotency-Key; status NULL while that request still runs.
CREATE TABLE idempotency_keys (
    tenant_id      text COLLATE "C" NOT NULL REFERENCES tenants,
    key            text COLLATE "C" NOT NULL,
    request_sha256 text NOT NULL,
    status         integer,
    headers        jsonb,
    body           text,
    created_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, key)
);
