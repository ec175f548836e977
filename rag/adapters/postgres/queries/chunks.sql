-- name: note_staged
-- For `insert`, which would pay 7 µs a chunk for ON CONFLICT (of 40, 2026-11). Not to be prepared: planned on
-- a small table it reads the wrong index of a large one.
SELECT set_config('acervo.staged', coalesce(array_agg(ordinal), '{}')::text, true) FROM chunks
WHERE document_id = %(document_id)s AND build = %(claim)s AND ordinal = ANY(%(ordinals)s::integer[])

-- name: insert
-- Chunks column by column, for COPY refuses tables with row-level security. The lists that chunks hold (page
-- breaks, headings, terms) come as one array with the places at which each chunk's begin and end.
WITH inserted AS (
    INSERT INTO chunks (
        tenant_id, chunk_id, collection_id, document_id, build, language, ordinal, start_offset, end_offset,
        page, page_breaks, headings, text, terms, term_count, embedded_sha256)
    SELECT %(tenant)s, i.chunk_id, %(collection_id)s, %(document_id)s, %(claim)s, %(language)s, i.ordinal,
           i.start_offset, i.end_offset, nullif(i.page, 0),
           (%(page_breaks)s::integer[])[i.first_break:i.last_break],
           (%(headings)s::text[])[i.first_heading:i.last_heading],
           i.text, (%(terms)s::bigint[])[i.first_term:i.last_term], i.term_count, i.embedded_sha256
    FROM unnest(
        %(chunk_ids)s::text[], %(ordinals)s::integer[], %(starts)s::integer[], %(ends)s::integer[],
        %(pages)s::integer[], %(first_breaks)s::integer[], %(last_breaks)s::integer[],
        %(first_headings)s::integer[], %(last_headings)s::integer[], %(texts)s::text[],
        %(first_terms)s::integer[], %(last_terms)s::integer[], %(term_counts)s::integer[],
        %(embedded_sha256)s::bytea[]
    ) AS i (chunk_id, ordinal, start_offset, end_offset, page, first_break, last_break, first_heading,
            last_heading, text, first_term, last_term, term_count, embedded_sha256)
    WHERE i.ordinal <> ALL ((SELECT current_setting('acervo.staged')::integer[])::integer[])
)
INSERT INTO chunk_embeddings (tenant_id, chunk_id, collection_id, model, embedding)
SELECT %(tenant)s, i.chunk_id, %(collection_id)s, %(model)s, i.embedding
FROM unnest(%(chunk_ids)s::text[], %(ordinals)s::integer[], %(embeddings)s::halfvec[])
     AS i (chunk_id, ordinal, embedding)
WHERE i.ordinal <> ALL ((SELECT current_setting('acervo.staged')::integer[])::integer[])
