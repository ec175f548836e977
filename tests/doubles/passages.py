"""Passages that no store made."""

from typing import Any

from rag.domain.search import Locator, Passage, PassageDocument


def passage(
    text: str, *, start: int = 0, document: str = "doc_1", ordinal: int = 0, **changes: Any
) -> Passage:
    """`text` stands at `start` of its document's text."""
    values: dict[str, Any] = {
        "chunk_id": f"chk_{document}_{ordinal}",
        "document": PassageDocument(
            id=document, key=f"{document}.txt", title=None, version=1, collection="notes", metadata={}
        ),
        "text": text,
        "language": "en",
        "locator": Locator(start=start, end=start + len(text)),
        "ordinal": ordinal,
    }
    return Passage(**{**values, **changes})
