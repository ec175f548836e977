"""One example of everything that responses carry, for the published documentation."""

from typing import Any

TIME = "2026-05-12T09:30:00Z"
QUOTE = "Refunds are paid within 30 days of purchase."
USAGE = {"input_tokens": 412, "output_tokens": 11, "cost_usd": None}

COLLECTION: dict[str, Any] = {
    "id": "col_01jv1q2m3n4p5q6r7s8t9vwxyz",
    "name": "handbook",
    "description": "How we work",
    "language": "auto",
    "chunking": {"strategy": "recursive", "max_tokens": 400, "overlap_tokens": 0, "jsonl": "one_document"},
    "metadata": {},
    "embedding": {"id": "wordllama-l2-256", "dimensions": 256},
    "document_count": 12,
    "outdated_count": 0,
    "created_at": TIME,
    "updated_at": TIME,
}
DOCUMENT: dict[str, Any] = {
    "id": "doc_01jv1q2m3n4p5q6r7s8t9vwxyz",
    "collection": "handbook",
    "key": "policies/refunds.md",
    "title": "Refunds",
    "media_type": "text/markdown",
    "size": 1843,
    "content_sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "version": 1,
    "status": "ready",
    "failure": None,
    "metadata": {"department": "finance"},
    "language": "en",
    "chunk_count": 3,
    "page_count": None,
    "parent_id": None,
    "source": {"kind": "api", "uri": "file:///data/handbook/policies/refunds.md"},
    "created_at": TIME,
    "updated_at": TIME,
    "ready_at": TIME,
}
LOCATOR = {"start": 120, "end": 164, "page": None, "heading": "Refunds"}
CHUNK: dict[str, Any] = {
    "chunk_id": "chk_01jv1q2m3n4p5q6r7s8t9vwxyz",
    "ordinal": 0,
    "text": QUOTE,
    "language": "en",
    "locator": LOCATOR,
}
HISTORY_ENTRY = {"at": TIME, "version": 1, "event": "published", "detail": "3 chunks"}
PASSAGE: dict[str, Any] = {
    "chunk_id": CHUNK["chunk_id"],
    "document": {
        "id": DOCUMENT["id"],
        "key": DOCUMENT["key"],
        "title": DOCUMENT["title"],
        "version": 1,
        "collection": "handbook",
        "metadata": {"department": "finance"},
    },
    "text": QUOTE,
    "language": "en",
    "locator": LOCATOR,
    "score": 1.21,
    "scores": {"semantic": 0.61, "keyword": 7.4},
    "ranks": {"semantic": 1, "keyword": 1},
    "suspicious": False,
}
SEARCH = {
    "data": [PASSAGE],
    "timings_ms": {"embed": 0.4, "retrieve": 3.1, "rerank": 0.0, "total": 3.6},
    "rerank_failure": None,
}
EXPLANATION = {
    "found": False,
    "rank": None,
    "reasons": [{"code": "filtered_out", "detail": "metadata.year gte 2024: the document has 2021"}],
}
CITATION: dict[str, Any] = {
    "start": 0,
    "end": 44,
    "passage": 0,
    "source": {
        "document_id": DOCUMENT["id"],
        "key": DOCUMENT["key"],
        "title": DOCUMENT["title"],
        "page": None,
        "start": 120,
        "end": 164,
    },
    "quote": QUOTE,
    "verified": True,
}
ANSWER: dict[str, Any] = {
    "id": "ans_01jv1q2m3n4p5q6r7s8t9vwxyz",
    "status": "answered",
    "text": QUOTE,
    "language": "en",
    "model": "extractive",
    "fallback_from": None,
    "rerank_failure": None,
    "query": "How long do refunds take?",
    "citations": [CITATION],
    "unsupported": [],
    "passages": [PASSAGE],
    "conversation_id": None,
    "usage": USAGE,
    "timings_ms": {"embed": 0.4, "retrieve": 3.1, "rerank": 0.0, "generate": 5.2, "total": 9.0},
}
GENERATION: dict[str, Any] = {
    "id": "gen_01jv1q2m3n4p5q6r7s8t9vwxyz",
    "text": "question",
    "model": "llama3.2",
    "fallback_from": None,
    "refused": False,
    "truncated": False,
    "output": None,
    "usage": USAGE,
}
CONVERSATION_SUMMARY = {"id": "cnv_01jv1q2m3n4p5q6r7s8t9vwxyz", "created_at": TIME, "updated_at": TIME}
CONVERSATION = {
    **CONVERSATION_SUMMARY,
    "turns": [{"question": "How long do refunds take?", "answer": QUOTE}],
}
MODELS = {
    "generation": [{"id": "extractive", "generative": False}],
    "embedding": [{"id": "wordllama-l2-256", "dimensions": 256}],
    "reranking": [],
}
PROBLEM = {
    "type": "urn:acervo:problem:collection_not_found",
    "title": "There is no collection of this name.",
    "status": 404,
    "detail": "There is no collection named 'handbok'. Create it with POST /v1/collections.",
    "code": "collection_not_found",
    "request_id": "req_01jv1q2m3n4p5q6r7s8t9vwxyz",
}
ANSWER_EVENTS = (
    'event: answer.created\ndata: {"id":"ans_01jv1q2m3n4p5q6r7s8t9vwxyz"}\n\n'
    'event: retrieval.completed\ndata: {"passages":[]}\n\n'
    'event: answer.delta\ndata: {"text":"Refunds are paid within 30 days of purchase."}\n\n'
)
GENERATION_EVENTS = (
    'event: generation.created\ndata: {"id":"gen_01jv1q2m3n4p5q6r7s8t9vwxyz"}\n\n'
    'event: generation.delta\ndata: {"text":"question"}\n\n'
)


def page_of(item: object) -> dict[str, Any]:
    return {"data": [item], "next_cursor": None}


UPLOAD_GRANT: dict[str, Any] = {
    "method": "PUT",
    "url": "http://127.0.0.1:8000/v1/uploads/7J5uAq0",
    "fields": {},
    "headers": {"Content-Type": "application/pdf"},
    "expires_at": TIME,
}
