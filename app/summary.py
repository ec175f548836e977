"""Documents to a cited summary: read in order, map and reduce only beyond a model's budget."""

from collections import Counter
from collections.abc import Generator as Coroutine
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, islice
from typing import TypeAlias

from app.answer import (
    AnswerCompleted,
    AnswerCreated,
    AnswerEvent,
    RetrievalCompleted,
    answer_events,
    completed,
    compose,
)
from app.ground import Grounded, ground
from app.injection import flagged
from app.models import check_model
from app.prompt import grounded_prompt
from app.retrieve import Stopwatch
from app.streams import outcome_of
from app.usage import total
from rag.domain.answers import Answer, Citation, Prompt, Style, SummaryRequest, Usage
from rag.domain.documents import Document
from rag.domain.ids import new_id
from rag.domain.pages import every
from rag.domain.search import Passage, TermStatistics
from rag.errors import DocumentNotFound, InvalidRequest
from rag.interruption import Interrupted, Interruption, interruptible, raise_if_interrupted
from rag.ports import Generator, PassageGuard, TenantStore
from rag.text.language import detect_language

MAX_DOCUMENTS = 100
# What a summary is made of; a model reads more than sentences are selected from.
MAX_PASSAGES = 1_000
MAX_EXTRACTIVE_PASSAGES = 200
# What one call of a generative model reads, in characters: about 12,000 tokens.
BUDGET = 48_000
CONCURRENT_CALLS = 4

DEFAULT_INSTRUCTIONS = {
    "de": "Fasse die Dokumente zusammen.",
    "en": "Summarise the documents.",
    "es": "Resume los documentos.",
    "fr": "Résume les documents.",
    "it": "Riassumi i documenti.",
    "pt": "Resuma os documentos.",
}


@dataclass(frozen=True, kw_only=True)
class SummaryProgress:
    """Parts read, of those known of: `total` grows where what they left must be reduced again."""

    done: int
    total: int


SummaryEvent: TypeAlias = AnswerEvent | SummaryProgress


@dataclass(frozen=True, kw_only=True)
class Summarizer:
    """The events and the answer that a question gets, and how far a long summary is."""

    store: TenantStore
    generator: Generator
    guard: PassageGuard | None = None

    def summarize(self, request: SummaryRequest) -> Answer:
        return completed(e for e in self.stream(request) if not isinstance(e, SummaryProgress))

    def stream(self, request: SummaryRequest) -> Iterator[SummaryEvent]:
        """Raises DocumentNotFound, CollectionNotFound and InvalidRequest before the first event."""
        watch = Stopwatch()
        check_model(self.generator, request.model)
        documents = self._documents(request)
        passages = flagged(self._passages(documents), self.guard)
        watch.lap("retrieve")
        prompt = _prompt(request, passages)
        answer_id = new_id("ans")
        yield AnswerCreated(id=answer_id)
        yield RetrievalCompleted(passages=passages)
        prompt, spent = yield from self._within_budget(prompt)
        outcome = yield from self._shown(prompt, passages)
        timings = {**watch.timings(), "generate": outcome.generate_ms}
        answer = compose(outcome, prompt, self.generator, answer_id=answer_id, timings_ms=timings)
        answer = replace(answer, passages=passages, usage=total([*spent, outcome.usage]))
        self.store.answers.save(answer, question=prompt.input)
        yield AnswerCompleted(answer=answer)

    def _shown(self, prompt: Prompt, passages: Sequence[Passage]) -> Coroutine[AnswerEvent, None, Grounded]:
        """Citations of the passages that were left, as citations of all that were read."""
        place = partial(_placed, places=_places(prompt.passages, passages))
        return (yield from answer_events(ground(self.generator, prompt, prompt.language), place))

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
        found = self.store.index.select(collection, request.filter, limit=MAX_DOCUMENTS + 1)
        if not found:
            raise DocumentNotFound(f"No searchable document of {request.collection!r} passes the filter.")
        if len(found) > MAX_DOCUMENTS:
            detail = f"More than {MAX_DOCUMENTS} documents pass the filter: narrow it, or name documents."
            raise InvalidRequest(detail, pointer="/filter")
        return found

    def _passages(self, documents: Sequence[Document]) -> tuple[Passage, ...]:
        """Each document's beginning, in order."""
        room = MAX_PASSAGES if self.generator.model.generative else MAX_EXTRACTIVE_PASSAGES
        shares = fair_shares([document.chunk_count for document in documents], room)
        return tuple(
            passage
            for document, share in zip(documents, shares, strict=True)
            for passage in self._first_passages(document, share)
        )

    def _first_passages(self, document: Document, count: int) -> Iterator[Passage]:
        return islice(every(partial(self.store.documents.chunks, document.id)), count)

    def _within_budget(self, prompt: Prompt) -> Coroutine[SummaryProgress, None, tuple[Prompt, list[Usage]]]:
        """Beyond the budget: the passages that summaries of the parts cite, and what those cost."""
        spent: list[Usage] = []
        while self.generator.model.generative and _beyond_budget(prompt.passages):
            batches = tuple(_batches(prompt.passages))
            if len(batches) == len(prompt.passages):
                return replace(prompt, passages=batches[0]), spent
            outcomes = yield from self._read(prompt, batches, done=len(spent))
            spent += [outcome.usage for outcome in outcomes]
            kept = chain.from_iterable(map(_most_cited, batches, outcomes))
            prompt = replace(prompt, passages=tuple(kept))
        return prompt, spent

    def _read(
        self, prompt: Prompt, batches: Sequence[tuple[Passage, ...]], *, done: int
    ) -> Coroutine[SummaryProgress, None, list[Grounded]]:
        """A few parts at a time; the first error ends all of them."""
        parts, known = Interruption(), done + len(batches)
        yield SummaryProgress(done=done, total=known)
        with interruptible(parts.interrupt), ThreadPoolExecutor(CONCURRENT_CALLS) as pool:
            prompts = [replace(prompt, passages=batch) for batch in batches]
            reading = [pool.submit(parts.run, self._part, part, parts) for part in prompts]
            try:
                for read in as_completed(reading):
                    if not isinstance(read.exception(), Interrupted):
                        read.result()
                        done += 1
                        yield SummaryProgress(done=done, total=known)
            finally:
                parts.interrupt()
            return [read.result() for read in reading]

    def _part(self, prompt: Prompt, parts: Interruption) -> Grounded:
        """A part's summary, of which nobody sees the text; where it fails, all of them end."""
        raise_if_interrupted()
        try:
            return outcome_of(ground(self.generator, prompt, prompt.language))
        except BaseException:
            parts.interrupt()
            raise


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


def _places(cited: Sequence[Passage], passages: Sequence[Passage]) -> Sequence[int]:
    """Where each of the cited passages stands among all."""
    places = {passage.chunk_id: place for place, passage in enumerate(passages)}
    return [places[passage.chunk_id] for passage in cited]


def _placed(citation: Citation, places: Sequence[int]) -> Citation:
    return replace(citation, passage=places[citation.passage])


def fair_shares(counts: Sequence[int], room: int) -> list[int]:
    """What each may have of the room, at least one: what small ones leave is for the others."""
    shares = [0] * len(counts)
    smallest_first = sorted(range(len(counts)), key=counts.__getitem__)
    for left, place in zip(range(len(counts), 0, -1), smallest_first, strict=True):
        shares[place] = max(1, min(counts[place], room // left))
        room -= shares[place]
    return shares


def _most_cited(batch: Sequence[Passage], outcome: Grounded) -> Iterator[Passage]:
    """Up to half of what the part was made of, so that every round leaves less; in order."""
    cited = Counter(citation.passage for citation in outcome.citations)
    room, kept = _size(batch) // 2, list[int]()
    for number, _ in cited.most_common():
        room -= len(batch[number].text)
        if room < 0 and kept:
            break
        kept.append(number)
    return (batch[number] for number in sorted(kept))


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
