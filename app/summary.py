"""Documents to a cited summary: read in order, map and reduce only beyond a model's budget."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice

from app.answer import (
    AnswerCompleted,
    AnswerCreated,
    AnswerEvent,
    CitationAdded,
    RetrievalCompleted,
    completed,
    compose,
)
from app.ground import Grounded, ground
from app.models import check_model
from app.prompt import grounded_prompt
from app.retrieve import Stopwatch
from rag.domain.answers import Answer, Prompt, Style, SummaryRequest, Usage
from rag.domain.documents import Document
from rag.domain.ids import new_id
from rag.domain.pages import every
from rag.domain.search import Passage, TermStatistics
from rag.errors import DocumentNotFound, InvalidRequest
from rag.ports import Generator, TenantStore
from rag.text.language import detect_language

MAX_DOCUMENTS = 100
MAX_PASSAGES = 200
# What one call of a generative model reads, in characters: about 12,000 tokens.
BUDGET = 48_000

DEFAULT_INSTRUCTIONS = {
    "de": "Fasse die Dokumente zusammen.",
    "en": "Summarise the documents.",
    "es": "Resume los documentos.",
    "fr": "Résume les documents.",
    "it": "Riassumi i documenti.",
    "pt": "Resuma os documentos.",
}


@dataclass(frozen=True, kw_only=True)
class Summarizer:
    """The same events and the same answer as a question gets."""

    store: TenantStore
    generator: Generator

    def summarize(self, request: SummaryRequest) -> Answer:
        return completed(self.stream(request))

    def stream(self, request: SummaryRequest) -> Iterator[AnswerEvent]:
        """Raises DocumentNotFound, CollectionNotFound and InvalidRequest before the first event."""
        watch = Stopwatch()
        check_model(self.generator, request.model)
        documents = self._documents(request)
        passages = self._passages(documents)
        watch.lap("retrieve")
        prompt = _prompt(request, passages)
        answer_id = new_id("ans")
        yield AnswerCreated(id=answer_id)
        yield RetrievalCompleted(passages=passages)
        prompt, spent = self._within_budget(prompt)
        outcome = yield from ground(self.generator, prompt, prompt.language)
        outcome = _renumbered(outcome, prompt.passages, passages)
        yield from (CitationAdded(citation=citation) for citation in outcome.citations)
        timings = {**watch.timings(), "generate": outcome.generate_ms}
        answer = compose(outcome, prompt, self.generator, answer_id=answer_id, timings_ms=timings)
        answer = replace(answer, passages=passages, usage=_sum(spent, outcome.usage))
        self.store.answers.save(answer, question=prompt.input)
        yield AnswerCompleted(answer=answer)

    def _documents(self, request: SummaryRequest) -> tuple[Document, ...]:
        if bool(request.documents) == (request.collection is not None):
            raise InvalidRequest("Name either `documents` or a `collection`.", pointer="/documents")
        documents = tuple(self.store.documents.get(name) for name in self._document_ids(request))
        unread = next((document for document in documents if document.version == 0), None)
        if unread is not None:
            detail = f"Document {unread.key!r} is {unread.status}: it has no searchable version yet."
            raise InvalidRequest(detail, pointer="/documents")
        return documents

    def _document_ids(self, request: SummaryRequest) -> Sequence[str]:
        if request.collection is None:
            return tuple(dict.fromkeys(request.documents))
        collection = self.store.collections.get(request.collection)
        found = self.store.index.select(collection, request.filter, limit=MAX_DOCUMENTS)
        if not found:
            raise DocumentNotFound(f"No searchable document of {request.collection!r} passes the filter.")
        return found

    def _passages(self, documents: Sequence[Document]) -> tuple[Passage, ...]:
        """Each document's beginning, in order; many documents share the room."""
        share = max(1, MAX_PASSAGES // len(documents))
        return tuple(p for document in documents for p in self._first_passages(document, share))

    def _first_passages(self, document: Document, count: int) -> Iterator[Passage]:
        return islice(every(partial(self.store.documents.chunks, document.id)), count)

    def _within_budget(self, prompt: Prompt) -> tuple[Prompt, Usage]:
        """Beyond the budget: the passages that summaries of the parts cite, and what those cost."""
        usage = Usage()
        while self.generator.model.generative and _beyond_budget(prompt.passages):
            kept, spent = self._cited_parts(prompt)
            usage = _sum(usage, spent)
            if len(kept) >= len(prompt.passages):
                kept = next(_batches(kept))
            prompt = replace(prompt, passages=kept)
        return prompt, usage

    def _cited_parts(self, prompt: Prompt) -> tuple[tuple[Passage, ...], Usage]:
        kept: list[Passage] = []
        usage = Usage()
        for batch in _batches(prompt.passages):
            outcome = self._quietly(replace(prompt, passages=batch))
            kept += (batch[number] for number in sorted({c.passage for c in outcome.citations}))
            usage = _sum(usage, outcome.usage)
        return tuple(kept), usage

    def _quietly(self, prompt: Prompt) -> Grounded:
        """A part's summary, of which nobody sees the text."""
        stream = ground(self.generator, prompt, prompt.language)
        while True:
            try:
                next(stream)
            except StopIteration as end:
                outcome: Grounded = end.value
                return outcome


def _prompt(request: SummaryRequest, passages: tuple[Passage, ...]) -> Prompt:
    sample = request.instructions or " ".join(passage.text for passage in passages[:3])
    language = detect_language(sample) if request.language == "auto" else request.language
    return grounded_prompt(
        request.instructions or DEFAULT_INSTRUCTIONS.get(language, DEFAULT_INSTRUCTIONS["en"]),
        passages=passages,
        terms=TermStatistics(),
        style=Style.SUMMARY,
        language=language,
        model=request.model,
        max_tokens=request.max_tokens,
    )


def _renumbered(outcome: Grounded, cited: Sequence[Passage], passages: Sequence[Passage]) -> Grounded:
    """Citations of the passages that were left, as citations of all that were read."""
    places = {passage.chunk_id: place for place, passage in enumerate(passages)}
    citations = tuple(replace(c, passage=places[cited[c.passage].chunk_id]) for c in outcome.citations)
    return replace(outcome, citations=citations)


def _batches(passages: Sequence[Passage]) -> Iterator[tuple[Passage, ...]]:
    """Runs of passages within the budget; a single longer one stands alone."""
    batch: list[Passage] = []
    for passage in passages:
        if batch and _size([*batch, passage]) > BUDGET:
            yield tuple(batch)
            batch = []
        batch.append(passage)
    if batch:
        yield tuple(batch)


def _beyond_budget(passages: Sequence[Passage]) -> bool:
    return len(passages) > 1 and _size(passages) > BUDGET


def _size(passages: Sequence[Passage]) -> int:
    return sum(len(passage.text) for passage in passages)


def _sum(left: Usage, right: Usage) -> Usage:
    costs = [usage.cost_usd for usage in (left, right) if usage.cost_usd is not None]
    return Usage(
        input_tokens=left.input_tokens + right.input_tokens,
        output_tokens=left.output_tokens + right.output_tokens,
        cost_usd=sum(costs) if costs else None,
    )
