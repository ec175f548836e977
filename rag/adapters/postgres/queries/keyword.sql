-- name: due
SELECT c.collection_id FROM collections c
WHERE NOT c.deleting AND (
    (SELECT sum(d.chunk_count) FROM documents d
     WHERE d.tenant_id = c.tenant_id AND d.collection_id = c.collection_id
       AND d.keyword_number IS NULL AND d.build > 0) > %(most_fresh)s
    OR (SELECT count(*) FROM keyword_removals r
        WHERE r.tenant_id = c.tenant_id AND r.collection_id = c.collection_id) > %(most_removals)s)
LIMIT 1

-- name: lock
-- One fold of a collection at a time. The row comes before those of its documents, as everywhere.
SELECT FROM collections WHERE collection_id = %(collection_id)s AND NOT deleting
FOR NO KEY UPDATE SKIP LOCKED

-- name: prepare
-- Sorting millions of entries; and each list by its key, whatever the planner believes of a new table.
SELECT set_config('work_mem', '64MB', true), set_config('enable_seqscan', 'off', true)

-- name: take_removals
-- Into the segments, and out of the counts of the posting lists.
WITH taken AS (
    DELETE FROM keyword_removals WHERE collection_id = %(collection_id)s
    RETURNING number, chunk_count, term_count, codes, counts
),
placed AS (
    SELECT s.segment, t.* FROM taken t
    JOIN keyword_segments s ON s.collection_id = %(collection_id)s AND t.number BETWEEN s.first_number AND s.last_number
),
lowered AS (
    UPDATE keyword_postings p SET posting_count = p.posting_count - c.chunk_count
    FROM (SELECT segment, code, sum(count) AS chunk_count FROM placed, unnest(codes, counts) u (code, count)
          GROUP BY segment, code) c
    WHERE p.collection_id = %(collection_id)s AND p.code = c.code AND p.segment = c.segment AND p.block = 0
)
UPDATE keyword_segments s
SET removed_chunks = removed_chunks + r.chunks, removed_terms = removed_terms + r.terms,
    removed_numbers = removed_numbers || r.numbers
FROM (SELECT segment, sum(chunk_count) AS chunks, sum(term_count) AS terms, array_agg(number) AS numbers
      FROM placed GROUP BY segment) r
WHERE s.collection_id = %(collection_id)s AND s.segment = r.segment

-- name: segments
SELECT segment, chunk_count, removed_chunks FROM keyword_segments
WHERE collection_id = %(collection_id)s
ORDER BY first_number

-- name: number
-- The oldest documents of up to `most` chunks in all, at least one. Those that somebody is at work on wait.
WITH waiting AS (
    SELECT document_id, sum(chunk_count) OVER (ORDER BY document_id) - chunk_count AS before
    FROM documents
    WHERE collection_id = %(collection_id)s AND keyword_number IS NULL AND build > 0
),
picked AS (
    SELECT document_id FROM documents
    WHERE document_id = ANY(ARRAY(SELECT document_id FROM waiting WHERE before < %(most)s))
      AND keyword_number IS NULL AND build > 0
    FOR NO KEY UPDATE SKIP LOCKED
),
numbered AS (
    UPDATE documents d SET keyword_number = nextval('keyword_numbers')
    WHERE document_id = ANY(ARRAY(SELECT document_id FROM picked))
    RETURNING d.keyword_number AS number, d.chunk_count
)
SELECT min(number) AS first, max(number) AS last, coalesce(sum(chunk_count), 0)::bigint AS chunks
FROM numbered

-- name: fold
-- A new segment from the documents numbered from `first` on and from the segments `merged`, without what was
-- removed from these.
WITH made AS MATERIALIZED (
    SELECT nextval('keyword_numbers') AS segment
),
merged AS MATERIALIZED (
    SELECT * FROM keyword_segments WHERE collection_id = %(collection_id)s AND segment = ANY(%(merged)s::bigint[])
),
removed AS MATERIALIZED (
    SELECT unnest(removed_numbers) AS number FROM merged
),
fresh AS MATERIALIZED (
    SELECT document_id, build, keyword_number FROM documents
    WHERE keyword_number BETWEEN %(first)s AND %(last)s AND collection_id = %(collection_id)s
),
measured AS MATERIALIZED (
    SELECT count(*) AS chunk_count, coalesce(sum(c.term_count), 0)::bigint AS term_count
    FROM fresh f JOIN chunks c USING (document_id, build)
    WHERE c.document_id = ANY(ARRAY(SELECT document_id FROM fresh))
),
totals AS MATERIALIZED (
    SELECT m.chunk_count + coalesce(sum(s.chunk_count - s.removed_chunks), 0)::bigint AS chunk_count,
           m.term_count + coalesce(sum(s.term_count - s.removed_terms), 0)::bigint AS term_count
    FROM measured m LEFT JOIN merged s ON true GROUP BY m.chunk_count, m.term_count
),
average AS MATERIALIZED (
    SELECT greatest(1, (m.term_count + coalesce(sum(s.term_count), 0))
                       / greatest(1, m.chunk_count + coalesce(sum(s.chunk_count), 0)))::float8 AS term_count
    FROM measured m LEFT JOIN keyword_segments s ON s.collection_id = %(collection_id)s
    GROUP BY m.term_count, m.chunk_count
),
entries AS (
    SELECT t & ~4095::bigint AS code,
           (f.keyword_number << 30) | (c.ordinal::bigint << 10)
           | round(1023 * (t & 4095) / ((t & 4095) + 1.2::float8 * (0.25 + 0.75 * c.term_count / a.term_count)))::bigint
             AS entry
    FROM average a, fresh f JOIN chunks c USING (document_id, build), unnest(c.terms) t
    WHERE c.document_id = ANY(ARRAY(SELECT document_id FROM fresh))
    UNION ALL
    SELECT p.code, e.entry
    FROM keyword_postings p, unnest(p.entries) e (entry)
    WHERE p.collection_id = %(collection_id)s AND p.segment = ANY(%(merged)s::bigint[])
      AND e.entry >> 30 NOT IN (SELECT number FROM removed)
),
ranked AS (
    SELECT code, entry, row_number() OVER best - 1 AS position, count(*) OVER (PARTITION BY code) AS posting_count
    FROM entries
    WINDOW best AS (PARTITION BY code ORDER BY entry & 1023 DESC, entry)
),
posted AS (
    INSERT INTO keyword_postings
        (tenant_id, collection_id, code, segment, block, entry_count, top_impact, posting_count, entries)
    SELECT %(tenant)s, %(collection_id)s, code, (SELECT segment FROM made), position / 1000, count(*), max(entry & 1023),
           CASE WHEN position / 1000 = 0 THEN max(posting_count) ELSE 0 END, array_agg(entry ORDER BY position)
    FROM ranked GROUP BY code, position / 1000
)
INSERT INTO keyword_segments
    (tenant_id, collection_id, segment, first_number, last_number, chunk_count, term_count)
SELECT %(tenant)s, %(collection_id)s, (SELECT segment FROM made),
       least(%(first)s::bigint, (SELECT min(first_number) FROM merged)),
       greatest(%(last)s::bigint, (SELECT max(last_number) FROM merged)), t.chunk_count, t.term_count
FROM totals t
WHERE t.chunk_count > 0

-- name: drop_segments
DELETE FROM keyword_segments WHERE collection_id = %(collection_id)s AND segment = ANY(%(merged)s::bigint[])
