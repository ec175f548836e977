"""Content blocks with a model's own citations as text deltas, and claims about the blocks."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rag.adapters.bedrock.search_results import SearchResult, cited_result
from rag.adapters.local.chat_completions import ChatChunk
from rag.adapters.local.marked_text import without_abstention
from rag.domain.answers import Claim, TextDelta


@dataclass(frozen=True, kw_only=True)
class BlockChunk(ChatChunk):
    """`block` None: no content block is open any more."""

    block: int | None = None
    citation: Mapping[str, Any] | None = None


class CitedText:
    """Text is passed on at once; what a block cites is claimed of the whole block when it ends."""

    def __init__(self, results: Sequence[SearchResult]) -> None:
        self._results = results
        self._length = 0
        self._space = ""
        self._block: int | None = None
        self._start: int | None = None  # of the block's first word
        self._citations: list[Mapping[str, Any]] = []

    def feed(self, chunk: BlockChunk) -> Iterator[TextDelta | Claim]:
        if chunk.block != self._block:
            yield from self.close()
            self._block = chunk.block
        if chunk.citation is not None:
            self._citations.append(chunk.citation)
        yield from self._text(chunk.text)

    def close(self) -> Iterator[Claim]:
        start, citations = self._start, self._citations
        self._start, self._citations = None, []
        if start is not None:
            yield from self._claims(start, citations)

    def _claims(self, start: int, citations: Sequence[Mapping[str, Any]]) -> Iterator[Claim]:
        for citation in citations:
            result = cited_result(self._results, citation)
            if result is not None:
                quote = result.quote(citation)
                yield Claim(start=start, end=self._length, passage=result.number, quote=quote)

    def _text(self, piece: str) -> Iterator[TextDelta]:
        """White space waits for what follows: none stands at the text's beginning or end."""
        text = self._space + piece
        words = text.strip()
        if not words:
            self._space = text
            return
        before = text[: len(text) - len(text.lstrip())] if self._length else ""
        self._space = text[len(text.rstrip()) :]
        if self._start is None:
            self._start = self._length + len(before)
        self._length += len(before) + len(words)
        yield TextDelta(text=before + words)


def cited_events(
    chunks: Iterable[BlockChunk], results: Sequence[SearchResult]
) -> Iterator[TextDelta | Claim]:
    """Nothing where the text says that the evidence is insufficient."""
    text = CitedText(results)
    for chunk in _without_abstention(chunks):
        yield from text.feed(chunk)
    yield from text.close()


def _without_abstention(chunks: Iterable[BlockChunk]) -> Iterator[BlockChunk]:
    held: deque[BlockChunk] = deque()

    def texts() -> Iterator[str]:
        for chunk in chunks:
            held.append(chunk)
            yield chunk.text

    for _ in without_abstention(texts()):
        while held:
            yield held.popleft()
