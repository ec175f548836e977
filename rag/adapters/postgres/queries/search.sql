-- name: hash_joins
-- Without statistics (a fresh collection, before autovacuum has looked at it) the planner expects one row
-- of everything and joins by nested loops: 45 ms instead of 8 for 258 chunks, quadratic in their number.
SET LOCAL enable_nestloop = off

-- name: collections
SELECT c.collection_id, c.name, c.embedding_model, c.dimensions,
       ARRAY(SELECT l.language FROM collection_languages l
             WHERE l.collection_id = c.collection_id ORDER BY l.language) AS languages
FROM collections c
WHERE NOT c.deleting AND (%(names)s::text[] IS NULL OR c.name = ANY(%(names)s))
ORDER BY c.collection_id

-- name: search
-- Each leg's best, every candidate scored in both, fused, and the best of these, in one statement. BM25 is
-- exact (k1 = 1.2, b = 0.75, inverse document frequency as in Lucene); frequencies and lengths are those of
-- the searched collections whatever the filter lets through. `matching` filters on documents d.
WITH live AS NOT MATERIALIZED ( -- its terms, copied for every chunk, would spill to disk
    SELECT c.chunk_id, c.document_id, c.ordinal, c.terms, c.term_count, {matching} AS passes
    FROM chunks c JOIN documents d USING (tenant_id, document_id, build)
    WHERE c.collection_id = ANY(%(collections)s)
),
wanted AS MATERIALIZED ( -- a chunk's terms are codes with the number of occurrences added, in ascending order
    SELECT term, code, code + 4095 AS most FROM unnest(%(terms)s::text[], %(codes)s::bigint[]) q (term, code)
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
keyword AS (
    SELECT chunk_id, document_id, ordinal, row_number() OVER (ORDER BY score DESC, document_id, ordinal) AS rank
    FROM keyword_scores
    WHERE %(mode)s <> 'semantic' AND passes
    ORDER BY score DESC, document_id, ordinal
    LIMIT %(depth)s
),
nearest AS (
    SELECT l.chunk_id, l.document_id, l.ordinal, e.embedding <=> %(vector)s::halfvec AS distance
    FROM chunk_embeddings e JOIN live l USING (chunk_id)
    WHERE %(semantic)s AND e.collection_id = ANY(%(collections)s) AND l.passes
    ORDER BY distance, l.document_id, l.ordinal
    LIMIT %(depth)s
),
semantic AS (
    SELECT chunk_id, document_id, ordinal, row_number() OVER (ORDER BY distance, document_id, ordinal) AS rank
    FROM nearest
),
best AS MATERIALIZED (
    SELECT chunk_id, document_id, ordinal, k.rank AS keyword_rank, s.rank AS semantic_rank
    FROM keyword k FULL JOIN semantic s USING (chunk_id, document_id, ordinal)
),
scored AS (
    SELECT b.*, k.score AS keyword_score, 1 - (e.embedding <=> %(vector)s::halfvec) AS semantic_score
    FROM best b
    LEFT JOIN keyword_scores k ON k.chunk_id = b.chunk_id
    JOIN chunk_embeddings e ON e.chunk_id = b.chunk_id
    WHERE e.chunk_id = ANY(ARRAY(SELECT chunk_id FROM best)) -- by their keys, not by a scan for a hash join
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
)
SELECT f.score, f.keyword_rank, f.semantic_rank, f.keyword_score, f.semantic_score, c.chunk_id, c.document_id,
       c.ordinal, c.start_offset, c.end_offset, c.page, c.page_breaks, c.headings, c.language, c.text,
       d.key, d.title, d.version, d.metadata, n.name AS collection,
       (SELECT chunk_count::bigint FROM statistics) AS chunk_count,
       (SELECT jsonb_object_agg(term, document_frequency) FROM frequencies) AS frequencies
FROM fused f
JOIN chunks c ON c.chunk_id = f.chunk_id
JOIN documents d ON d.document_id = f.document_id
JOIN collections n ON n.collection_id = d.collection_id
WHERE c.chunk_id = ANY(ARRAY(SELECT chunk_id FROM fused))
  AND d.document_id = ANY(ARRAY(SELECT document_id FROM fused))
ORDER BY f.score DESC, f.document_id, f.ordinal

-- name: matches
SELECT EXISTS (SELECT FROM documents d WHERE d.document_id = %(document_id)s AND {matching}) AS found

-- name: select
SELECT d.document_id FROM documents d
WHERE d.collection_id = %(collection_id)s AND d.build > 0 AND {matching}
ORDER BY d.document_id
LIMIT %(limit)s

-- name: neighbors
SELECT w.position, c.chunk_id, c.document_id, c.ordinal, c.start_offset, c.end_offset, c.page, c.page_breaks,
       substring(t.text FROM c.start_offset + 1 FOR c.end_offset - c.start_offset) AS text,
       c.headings
FROM unnest(%(documents)s::text[], %(ordinals)s::integer[]) WITH ORDINALITY w (document_id, ordinal, position)
JOIN documents d ON d.document_id = w.document_id
JOIN document_texts t ON t.document_id = d.document_id
JOIN chunks c ON c.document_id = d.document_id AND c.build = d.build
 AND c.ordinal BETWEEN w.ordinal - %(neighbors)s AND w.ordinal + %(neighbors)s
ORDER BY w.position, c.ordinal

-- name: texts
SELECT w.position, substring(t.text FROM w.starts + 1 FOR w.ends - w.starts) AS text
FROM unnest(%(documents)s::text[], %(starts)s::integer[], %(ends)s::integer[])
     WITH ORDINALITY w (document_id, starts, ends, position)
JOIN document_texts t ON t.document_id = w.document_id
ORDER BY w.position
