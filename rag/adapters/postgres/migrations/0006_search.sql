-- Search that does not slow down as a collection grows: posting lists for the keyword leg, an HNSW index for
-- the semantic one.

-- The posting lists. An entry is a chunk that holds the term: 33 bits of its document's number, 20 of its
-- ordinal, 10 of its impact (the term's share of the BM25 score before the inverse document frequency, in
-- 1/1023 of the most it can be). Entries stand in blocks of at most 1,000, best impact first, so that a search
-- reads the best of a common term and all of a rare one. `posting_count`, in block 0 alone, is how many
-- chunks of the segment hold the term, without those that were removed since.
CREATE TABLE keyword_postings (
    tenant_id     text COLLATE "C" NOT NULL,
    collection_id text COLLATE "C" NOT NULL,
    code          bigint NOT NULL,
    segment       bigint NOT NULL,
    block         integer NOT NULL,
    entry_count   integer NOT NULL,
    top_impact    integer NOT NULL,
    posting_count integer NOT NULL,
    entries       bigint[] NOT NULL,
    PRIMARY KEY (tenant_id, collection_id, code, segment, block)
);
-- Out of line beyond 2 KB and not compressed: choosing blocks must not read them.
ALTER TABLE keyword_postings ALTER COLUMN entries SET STORAGE EXTERNAL;

-- What one fold put into the posting lists: the documents numbered from `first_number` to `last_number`, their
-- chunks and terms, and what of it was removed since. Ranges of one collection do not overlap.
CREATE TABLE keyword_segments (
    tenant_id       text COLLATE "C" NOT NULL,
    collection_id   text COLLATE "C" NOT NULL,
    segment         bigint NOT NULL,
    first_number    bigint NOT NULL,
    last_number     bigint NOT NULL,
    chunk_count     bigint NOT NULL,
    term_count      bigint NOT NULL,
    removed_chunks  bigint NOT NULL DEFAULT 0,
    removed_terms   bigint NOT NULL DEFAULT 0,
    removed_numbers bigint[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (tenant_id, collection_id, segment),
    FOREIGN KEY (tenant_id, collection_id) REFERENCES collections ON DELETE CASCADE
);

-- A foreign key would look up the segment for each of a million rows.
CREATE FUNCTION delete_postings() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    DELETE FROM keyword_postings p USING deleted s
    WHERE p.tenant_id = s.tenant_id AND p.collection_id = s.collection_id AND p.segment = s.segment;
    RETURN NULL;
END
$$;
CREATE TRIGGER delete_postings AFTER DELETE ON keyword_segments
    REFERENCING OLD TABLE AS deleted FOR EACH STATEMENT EXECUTE FUNCTION delete_postings();

-- Documents removed that no fold has taken into account yet. `counts[i]` of the document's chunks held the
-- term `codes[i]`; codes ascend.
CREATE TABLE keyword_removals (
    tenant_id     text COLLATE "C" NOT NULL,
    collection_id text COLLATE "C" NOT NULL,
    number        bigint NOT NULL,
    chunk_count   bigint NOT NULL,
    term_count    bigint NOT NULL,
    codes         bigint[] NOT NULL,
    counts        integer[] NOT NULL,
    PRIMARY KEY (tenant_id, collection_id, number),
    FOREIGN KEY (tenant_id, collection_id) REFERENCES collections ON DELETE CASCADE
);

-- The languages of a collection's documents: a query is analysed in each.
CREATE TABLE collection_languages (
    tenant_id     text COLLATE "C" NOT NULL,
    collection_id text COLLATE "C" NOT NULL,
    language      text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, collection_id, language),
    FOREIGN KEY (tenant_id, collection_id) REFERENCES collections ON DELETE CASCADE
);
-- The owner of a table on RDS is no superuser: the policies would hide every document.
ALTER TABLE documents NO FORCE ROW LEVEL SECURITY;
INSERT INTO collection_languages
SELECT DISTINCT tenant_id, collection_id, language FROM documents WHERE language IS NOT NULL;
ALTER TABLE documents FORCE ROW LEVEL SECURITY;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['keyword_postings', 'keyword_segments', 'keyword_removals', 'collection_languages']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format(
            'CREATE POLICY tenant ON %I USING (tenant_id = current_setting(''acervo.tenant'', true))', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO acervo_app', name);
    END LOOP;
END
$$;

-- A document's number in the posting lists; NULL: its chunks are not in them yet and are scanned.
CREATE SEQUENCE keyword_numbers;
GRANT USAGE ON SEQUENCE keyword_numbers TO acervo_app;
ALTER TABLE documents ADD COLUMN keyword_number bigint;
CREATE UNIQUE INDEX documents_keyword_number ON documents (tenant_id, keyword_number);
CREATE INDEX documents_not_folded ON documents (tenant_id, collection_id, document_id)
    WHERE keyword_number IS NULL AND build > 0;

-- Whatever makes a build unsearchable takes it out of the posting lists. Its chunks are still there.
CREATE FUNCTION remove_keywords() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO keyword_removals (tenant_id, collection_id, number, chunk_count, term_count, codes, counts)
    WITH gone AS MATERIALIZED (
        SELECT term_count, terms FROM chunks
        WHERE tenant_id = old.tenant_id AND document_id = old.document_id AND build = old.build
    ),
    counted AS (
        SELECT t & ~4095::bigint AS code, count(*)::integer AS chunk_count
        FROM gone, unnest(terms) t GROUP BY 1
    )
    SELECT old.tenant_id, old.collection_id, old.keyword_number,
           (SELECT count(*) FROM gone), (SELECT coalesce(sum(term_count), 0) FROM gone),
           (SELECT coalesce(array_agg(code ORDER BY code), '{}') FROM counted),
           (SELECT coalesce(array_agg(chunk_count ORDER BY code), '{}') FROM counted)
    FROM collections c
    WHERE c.tenant_id = old.tenant_id AND c.collection_id = old.collection_id AND NOT c.deleting;
    new.keyword_number := NULL;
    RETURN new;
END
$$;
CREATE TRIGGER remove_keywords BEFORE UPDATE ON documents FOR EACH ROW
    WHEN (old.keyword_number IS NOT NULL AND new.build <> old.build)
    EXECUTE FUNCTION remove_keywords();

CREATE FUNCTION note_language() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO collection_languages VALUES (new.tenant_id, new.collection_id, new.language)
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
CREATE TRIGGER note_language AFTER UPDATE OF language ON documents FOR EACH ROW
    WHEN (new.language IS NOT NULL AND new.language IS DISTINCT FROM old.language)
    EXECUTE FUNCTION note_language();

-- The vector index of one collection and model, made by the owner of the table for the application. One a
-- collection: an index of all of them would make a small one wait for, and lose recall to, the large.
CREATE FUNCTION vector_index_name(collection text, model text, dimensions integer) RETURNS text
LANGUAGE sql IMMUTABLE AS $$ SELECT 'vectors_' || md5(collection || ' ' || model || ' ' || dimensions) $$;

CREATE FUNCTION ensure_vector_index(collection text, model text, dimensions integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(vector_index_name(collection, model, dimensions), 0));
    EXECUTE format(
        'CREATE INDEX IF NOT EXISTS %I ON chunk_embeddings'
        ' USING hnsw ((embedding::halfvec(%s)) halfvec_cosine_ops) WITH (m = 16, ef_construction = 128)'
        ' WHERE collection_id = %L AND model = %L AND vector_dims(embedding) = %s',
        vector_index_name(collection, model, dimensions), dimensions, collection, model, dimensions);
END
$$;
-- False: a bulk load goes on, and nobody makes an index that every row of it would have to be put into.
ALTER TABLE collections ADD COLUMN indexes_vectors boolean NOT NULL DEFAULT true;

-- The share that is made; no row where none is being made. An index that is being made has no name to others:
-- the lock tells whose it is.
CREATE FUNCTION vector_index_progress(collection text, model text, dimensions integer) RETURNS float8
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $$
    SELECT p.blocks_done / greatest(1, p.blocks_total)::float8
    FROM pg_stat_progress_create_index p
    JOIN pg_locks l ON l.pid = p.pid AND l.locktype = 'advisory' AND l.objsubid = 1
     AND (l.classid::bigint << 32 | l.objid::bigint)
         = hashtextextended(vector_index_name(collection, model, dimensions), 0)
$$;

CREATE FUNCTION drop_vector_index(collection text, model text, dimensions integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    EXECUTE format('DROP INDEX IF EXISTS %I', vector_index_name(collection, model, dimensions));
END
$$;
REVOKE ALL ON FUNCTION ensure_vector_index, drop_vector_index, vector_index_progress FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ensure_vector_index, drop_vector_index, vector_index_progress TO acervo_app;
