-- name: prepare
-- Without statistics (a fresh collection, before autovacuum has looked at it) the planner expects one row
-- of everything and joins by nested loops: 45 ms instead of 8 for 258 chunks, quadratic in their number.
-- Compiling what runs for milliseconds takes hundreds of them; planning it anew each time takes two.
SELECT set_config('enable_nestloop', 'off', true), set_config('jit', 'off', true),
       set_config('plan_cache_mode', 'force_generic_plan', true),
       set_config('hnsw.iterative_scan', 'relaxed_order', true), set_config('hnsw.ef_search', %(ef_search)s, true)

-- name: collections
SELECT c.collection_id, c.name, c.embedding_model, c.dimensions,
       ARRAY(SELECT l.language FROM collection_languages l
             WHERE l.collection_id = c.collection_id ORDER BY l.language) AS languages,
       EXISTS (SELECT FROM keyword_segments s WHERE s.collection_id = c.collection_id) AS folded
FROM collections c
WHERE NOT c.deleting AND (%(names)s::text[] IS NULL OR c.name = ANY(%(names)s))
ORDER BY c.collection_id

-- name: search
-- Each leg's best, every candidate scored in both, fused, and the best of these, in one statement. BM25 is
-- exact (k1 = 1.2, b = 0.75, inverse document frequency as in Lucene); frequencies and lengths are those of
-- the searched collections whatever the filter lets through. `keyword_leg` and `nearest` are chosen below.
WITH wanted AS MATERIALIZED ( -- a chunk's terms are codes with the number of occurrences added, in ascending order
    SELECT term, code, code + 4095 AS most FROM unnest(%(terms)s::text[], %(codes)s::bigint[]) q (term, code)
),
{keyword_leg},
keyword AS (
    SELECT chunk_id, document_id, ordinal, row_number() OVER (ORDER BY score DESC, document_id, ordinal) AS rank
    FROM keyword_scores
    WHERE %(mode)s <> 'semantic' AND passes
    ORDER BY score DESC, document_id, ordinal
    LIMIT %(depth)s
),
semantic AS (
    SELECT chunk_id, document_id, ordinal, row_number() OVER (ORDER BY distance, document_id, ordinal) AS rank
    FROM nearest
    ORDER BY distance, document_id, ordinal
    LIMIT %(depth)s
),
best AS MATERIALIZED (
    SELECT chunk_id, document_id, ordinal, k.rank AS keyword_rank, s.rank AS semantic_rank
    FROM keyword k FULL JOIN semantic s USING (chunk_id, document_id, ordinal)
),
scored AS (
    SELECT b.*, k.score AS keyword_score, 1 - (e.embedding <=> %(vector)s::halfvec) AS semantic_score
    FROM best b
    LEFT JOIN keyword_scores k ON k.chunk_id = b.chunk_id
    LEFT JOIN chunk_embeddings e ON e.chunk_id = b.chunk_id
          AND e.model = %(model)s AND e.dimensions = %(dimensions)s
          AND e.chunk_id = ANY(ARRAY(SELECT chunk_id FROM best)) -- by their keys, not by a scan for a hash join
),
-- After Bruch et al. 2022, "An Analysis of Fusion Functions for Hybrid Retrieval": in [0, 1]. A passage
-- without a keyword match has BM25 0; an opposite direction counts as no similarity.
fused AS (
    SELECT *, CASE %(mode)s
              WHEN 'keyword' THEN keyword_score
              WHEN 'semantic' THEN semantic_score
              ELSE (coalesce(keyword_score / nullif(max(keyword_score) OVER (), 0), 0)
                    + %(semantic_weight)s * least(1, greatest(0, semantic_score))) / (1 + %(semantic_weight)s)
              END::float8 AS score
    FROM scored
    ORDER BY score DESC, document_id, ordinal
    LIMIT %(limit)s
),
found AS (
    SELECT f.score, f.keyword_rank, f.semantic_rank, f.keyword_score, f.semantic_score, c.chunk_id, c.document_id,
           c.ordinal, c.start_offset, c.end_offset, c.page, c.page_breaks, c.headings, c.language, c.text,
           d.key, d.title, d.version, d.metadata, n.name AS collection
    FROM fused f
    JOIN chunks c ON c.chunk_id = f.chunk_id
    JOIN documents d ON d.document_id = f.document_id
    JOIN collections n ON n.collection_id = d.collection_id
    WHERE c.chunk_id = ANY(ARRAY(SELECT chunk_id FROM fused))
      AND d.document_id = ANY(ARRAY(SELECT document_id FROM fused))
)
SELECT f.*, s.chunk_count::bigint AS chunk_count,
       (SELECT jsonb_object_agg(term, document_frequency) FROM frequencies) AS frequencies,
       {truncated} AS truncated
FROM statistics s LEFT JOIN found f ON true
ORDER BY f.score DESC, f.document_id, f.ordinal

-- name: scanned_keywords
-- Every chunk is looked at: few enough, or not folded yet.
live AS NOT MATERIALIZED ( -- its terms, copied for every chunk, would spill to disk
    SELECT c.chunk_id, c.document_id, c.ordinal, c.terms, c.term_count, {matching} AS passes
    FROM chunks c JOIN documents d USING (tenant_id, document_id, build)
    WHERE c.collection_id = ANY(%(collections)s)
),
statistics AS MATERIALIZED (
    SELECT count(*)::float8 AS chunk_count, greatest(avg(term_count), 1)::float8 AS average_count FROM live
),
occurrences AS MATERIALIZED (
    SELECT l.chunk_id, l.document_id, l.ordinal, l.term_count, l.passes, q.term,
           (l.terms[width_bucket(q.most, l.terms)] - q.code)::float8 AS frequency
    FROM live l CROSS JOIN wanted q
    WHERE l.terms[width_bucket(q.most, l.terms)] > q.code
),
frequencies AS MATERIALIZED (
    SELECT term, count(*)::float8 AS document_frequency FROM occurrences GROUP BY term
),
keyword_scores AS MATERIALIZED (
    SELECT o.chunk_id, o.document_id, o.ordinal, o.passes,
           sum(ln(1 + (s.chunk_count - f.document_frequency + 0.5) / (f.document_frequency + 0.5))
               * o.frequency * 2.2
               / (o.frequency + 1.2 * (0.25 + 0.75 * o.term_count / s.average_count))) AS score
    FROM occurrences o JOIN frequencies f USING (term) CROSS JOIN statistics s
    GROUP BY o.chunk_id, o.document_id, o.ordinal, o.passes
),
{nearest}

-- name: nearest_scanned
nearest AS (
    SELECT l.chunk_id, l.document_id, l.ordinal, e.embedding <=> %(vector)s::halfvec AS distance
    FROM chunk_embeddings e JOIN live l USING (chunk_id)
    WHERE e.collection_id = ANY(%(collections)s) AND l.passes
      AND e.model = %(model)s AND e.dimensions = %(dimensions)s
    ORDER BY distance, l.document_id, l.ordinal
    LIMIT %(depth)s
)

-- name: folded_keywords
-- The best entries of the query's posting lists, within a budget; the chunks they name, those that no fold has
-- taken in yet and the nearest are scored exactly, from their own terms.
segments AS MATERIALIZED (
    SELECT * FROM keyword_segments WHERE collection_id = ANY(%(collections)s)
),
removals AS MATERIALIZED (
    SELECT * FROM keyword_removals WHERE collection_id = ANY(%(collections)s)
),
removed AS MATERIALIZED (
    SELECT number FROM removals UNION ALL SELECT unnest(removed_numbers) FROM segments
),
fresh_documents AS MATERIALIZED (
    SELECT d.document_id, d.build, {matching} AS passes FROM documents d
    WHERE d.collection_id = ANY(%(collections)s) AND d.keyword_number IS NULL AND d.build > 0
),
fresh AS MATERIALIZED (
    SELECT c.chunk_id, c.document_id, c.ordinal, c.terms, c.term_count, d.passes
    FROM chunks c JOIN fresh_documents d USING (document_id, build)
    WHERE c.document_id = ANY(ARRAY(SELECT document_id FROM fresh_documents))
),
statistics AS MATERIALIZED (
    SELECT chunk_count, greatest(1, term_count / greatest(1, chunk_count)) AS average_count
    FROM (
        SELECT sum(chunk_count)::float8 AS chunk_count, sum(term_count)::float8 AS term_count
        FROM (
            SELECT chunk_count - removed_chunks, term_count - removed_terms FROM segments
            UNION ALL SELECT -chunk_count, -term_count FROM removals
            UNION ALL SELECT count(*), sum(term_count) FROM fresh
        ) parts (chunk_count, term_count)
    ) total
),
posted AS MATERIALIZED (
    SELECT code, segment, block, entry_count, top_impact, posting_count, entries FROM keyword_postings
    WHERE collection_id = ANY(%(collections)s) AND code = ANY(%(codes)s) AND block < %(blocks)s
),
weights AS MATERIALIZED (
    SELECT w.term, w.code, w.most, f.document_frequency,
           ln(1 + (s.chunk_count - f.document_frequency + 0.5) / (f.document_frequency + 0.5)) AS idf
    FROM statistics s CROSS JOIN wanted w JOIN (
        SELECT code, sum(chunks)::float8 AS document_frequency
        FROM (
            SELECT code, posting_count FROM posted
            UNION ALL
            SELECT w.code, -r.counts[width_bucket(w.code, r.codes)] FROM removals r CROSS JOIN wanted w
            WHERE r.codes[width_bucket(w.code, r.codes)] = w.code
            UNION ALL
            SELECT w.code, 1 FROM fresh l CROSS JOIN wanted w
            WHERE l.terms[width_bucket(w.most, l.terms)] > w.code
        ) counted (code, chunks)
        GROUP BY code
        HAVING sum(chunks) > 0
    ) f USING (code)
),
frequencies AS (
    SELECT term, document_frequency FROM weights
),
{listed},
{nearest},
near AS MATERIALIZED (
    SELECT c.chunk_id, c.document_id, c.ordinal, c.terms, c.term_count, true AS passes
    FROM chunks c WHERE c.chunk_id = ANY(ARRAY(
        SELECT chunk_id FROM nearest EXCEPT SELECT chunk_id FROM listed WHERE %(mode)s <> 'semantic'
        EXCEPT SELECT chunk_id FROM fresh))
),
keyword_scores AS MATERIALIZED ( -- in semantic search of the nearest alone, which are shown with both scores
    SELECT l.chunk_id, l.document_id, l.ordinal, l.passes,
           sum(w.idf * f.frequency * 2.2
               / (f.frequency + 1.2 * (0.25 + 0.75 * l.term_count / s.average_count))) AS score
    FROM (SELECT * FROM listed WHERE %(mode)s <> 'semantic'
          UNION ALL SELECT * FROM fresh UNION ALL SELECT * FROM near) l
    CROSS JOIN weights w CROSS JOIN statistics s
    CROSS JOIN LATERAL (SELECT (l.terms[width_bucket(w.most, l.terms)] - w.code)::float8 AS frequency) f
    WHERE l.terms[width_bucket(w.most, l.terms)] > w.code
    GROUP BY l.chunk_id, l.document_id, l.ordinal, l.passes
)

-- name: listed_best
considered AS MATERIALIZED (
    SELECT entries, idf, read_before < %(budget)s AS chosen
    FROM (
        SELECT p.entries, w.idf,
               sum(p.entry_count) OVER (ORDER BY w.idf * p.top_impact DESC, p.code, p.segment, p.block
                                        ROWS UNBOUNDED PRECEDING) - p.entry_count AS read_before
        FROM posted p JOIN weights w USING (code)
    ) ordered
),
top AS MATERIALIZED (
    SELECT entry >> 10 AS place, sum(idf * (entry & 1023)) AS score
    FROM (SELECT idf, unnest(entries) AS entry FROM considered WHERE chosen) e
    GROUP BY 1
    HAVING NOT EXISTS (SELECT FROM removed) OR entry >> 10 >> 20 NOT IN (SELECT number FROM removed)
    ORDER BY score DESC, place
    LIMIT %(most)s
),
top_documents AS MATERIALIZED (
    SELECT d.document_id, d.build, d.keyword_number, {matching} AS passes FROM documents d
    WHERE d.keyword_number = ANY(ARRAY(SELECT place >> 20 FROM top)) AND d.collection_id = ANY(%(collections)s)
),
listed AS MATERIALIZED (
    SELECT c.chunk_id, d.document_id, c.ordinal, c.terms, c.term_count, d.passes
    FROM top t JOIN top_documents d ON d.keyword_number = t.place >> 20
    CROSS JOIN LATERAL (
        SELECT * FROM chunks c
        WHERE c.document_id = d.document_id AND c.build = d.build AND c.ordinal = t.place & 1048575
        LIMIT 1) c
    WHERE d.passes
)

-- name: listed_passing
-- Few pass the filter: all of them. Terms are for keyword scores.
passing AS MATERIALIZED (
    SELECT d.document_id, d.build FROM documents d
    WHERE d.collection_id = ANY(%(collections)s) AND d.keyword_number IS NOT NULL AND {among} AND {matching}
),
listed AS MATERIALIZED (
    SELECT c.chunk_id, c.document_id, c.ordinal, {terms} AS terms, c.term_count, true AS passes
    FROM chunks c JOIN passing d USING (document_id, build)
    WHERE c.document_id = ANY(ARRAY(SELECT document_id FROM passing))
)

-- name: nearest_nothing
nearest AS (
    SELECT NULL::text AS chunk_id, NULL::text AS document_id, 0 AS ordinal, 0::float8 AS distance WHERE false
)

-- name: nearest_passing
passing_distances AS MATERIALIZED ( -- before they are joined: a hash table of vectors spills to disk
    SELECT e.chunk_id, e.embedding <=> %(vector)s::halfvec AS distance
    FROM chunk_embeddings e
    WHERE e.chunk_id = ANY(ARRAY(SELECT chunk_id FROM listed UNION ALL SELECT chunk_id FROM fresh WHERE passes))
      AND e.model = %(model)s AND e.dimensions = %(dimensions)s
),
nearest AS MATERIALIZED (
    SELECT l.chunk_id, l.document_id, l.ordinal, e.distance
    FROM passing_distances e
    JOIN (SELECT chunk_id, document_id, ordinal FROM listed
          UNION ALL SELECT chunk_id, document_id, ordinal FROM fresh WHERE passes) l USING (chunk_id)
    ORDER BY e.distance, l.document_id, l.ordinal
    LIMIT %(depth)s
)

-- name: nearest_indexed
nearest_any AS MATERIALIZED (
    {of_each}
),
nearest_places AS MATERIALIZED (
    SELECT c.chunk_id, c.document_id, c.build, c.ordinal
    FROM chunks c WHERE c.chunk_id = ANY(ARRAY(SELECT chunk_id FROM nearest_any))
),
nearest AS MATERIALIZED (
    SELECT c.chunk_id, c.document_id, c.ordinal, n.distance
    FROM nearest_any n
    JOIN nearest_places c USING (chunk_id)
    JOIN documents d USING (document_id, build)
    WHERE d.document_id = ANY(ARRAY(SELECT document_id FROM nearest_places)) AND {matching}
    ORDER BY n.distance, c.document_id, c.ordinal
    LIMIT %(depth)s
)

-- name: nearest_of_collection
-- What the planner must know to choose the index stands here, not in a parameter.
(SELECT e.chunk_id, e.embedding <=> %(vector)s::halfvec AS distance
 FROM chunk_embeddings e
 WHERE e.collection_id = {collection} AND e.model = {model} AND vector_dims(e.embedding) = {dimensions}
 ORDER BY e.embedding::halfvec({dimensions}) <=> %(vector)s::halfvec({dimensions})
 LIMIT {fetched})

-- name: selectivity
-- The share of the chunks that pass, about; where these are few, of which documents.
WITH passing AS MATERIALIZED (
    SELECT d.document_id, d.chunk_count FROM documents d
    WHERE d.collection_id = ANY(%(collections)s) AND d.build > 0 AND {matching}
)
SELECT passing / greatest(passing, folded, 1)::float8 AS share,
       CASE WHEN passing <= %(few)s THEN ARRAY(SELECT document_id FROM passing) END AS documents
FROM (SELECT coalesce(sum(chunk_count), 0)::bigint AS passing FROM passing) p
CROSS JOIN (
    SELECT sum(chunk_count - removed_chunks)::bigint AS folded FROM keyword_segments
    WHERE collection_id = ANY(%(collections)s)
) s

-- name: matches
SELECT EXISTS (SELECT FROM documents d WHERE d.document_id = %(document_id)s AND {matching}) AS found

-- name: select
SELECT d.document_id FROM documents d
WHERE d.collection_id = %(collection_id)s AND d.build > 0 AND {matching}
ORDER BY d.document_id
LIMIT %(limit)s

-- name: neighbors
SELECT w.position, c.chunk_id, c.document_id, c.ordinal, c.start_offset, c.end_offset, c.page, c.page_breaks,
       c.text, c.headings
FROM unnest(%(documents)s::text[], %(ordinals)s::integer[]) WITH ORDINALITY w (document_id, ordinal, position)
JOIN documents d ON d.document_id = w.document_id
JOIN chunks c ON c.document_id = d.document_id AND c.build = d.build
 AND c.ordinal BETWEEN w.ordinal - %(neighbors)s AND w.ordinal + %(neighbors)s
ORDER BY w.position, c.ordinal

-- name: texts
-- A span may run over several parts of a text.
SELECT w.position, string_agg(substring(t.text FROM greatest(w.starts - t.start_offset, 0) + 1
                                        FOR w.ends - greatest(w.starts, t.start_offset)),
                              '' ORDER BY t.part) AS text
FROM unnest(%(documents)s::text[], %(starts)s::integer[], %(ends)s::integer[])
     WITH ORDINALITY w (document_id, starts, ends, position)
JOIN documents d ON d.document_id = w.document_id
JOIN document_texts t ON t.document_id = d.document_id AND t.build = d.build
 AND t.start_offset < w.ends AND t.end_offset > w.starts
GROUP BY w.position
ORDER BY w.position
