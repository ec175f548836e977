"""Summaries over the real store."""

import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.answer import AnswerCompleted, AnswerCreated, CitationAdded, RetrievalCompleted
from app.summary import (
    BUDGET,
    CONCURRENT_CALLS,
    Summarizer,
    SummaryEvent,
    SummaryProgress,
    fair_shares,
)
from rag.domain.answers import (
    Answer,
    AnswerStatus,
    Claim,
    Completed,
    GenerationEvent,
    GenerativeModel,
    Prompt,
    SummaryRequest,
    TextDelta,
    Usage,
)
from rag.domain.documents import Document
from rag.domain.filters import Comparison
from rag.errors import AnswerNotFound, CollectionNotFound, DocumentNotFound, InvalidRequest, Throttled
from rag.interruption import Interrupted, Interruption, interruptible
from rag.ports import Generator
from tests.doubles.generators import ScriptedGenerator, script
from tests.doubles.library import Library

REFUNDS = "Refunds are paid within five working days to the card that was charged."
GARDEN = "The garden behind the office is open to everybody on Fridays and Saturdays."


@pytest.fixture
def filled(library: Library) -> Library:
    library.add("refunds.md", f"# Money\n\n{REFUNDS} What about cash? Never mind.", year=2024)
    library.add("garden.txt", f"{GARDEN} Lunch is served there at noon by our own cook.", year=2026)
    return library


def _summarizer(library: Library, generator: Generator | None = None) -> Summarizer:
    return Summarizer(store=library.store, generator=generator or library.backend.generator)


def _id(library: Library, key: str) -> str:
    return library.store.documents.find("handbook", key).id


def test_every_document_of_a_collection_is_covered_in_its_own_words(filled: Library) -> None:
    answer = _summarizer(filled).summarize(SummaryRequest(collection="handbook"))
    assert answer.status is AnswerStatus.ANSWERED
    assert {citation.source.key for citation in answer.citations} == {"refunds.md", "garden.txt"}
    assert answer.unsupported == ()
    for citation in answer.citations:
        text = filled.store.documents.text(citation.source.document_id)
        assert text[citation.source.start : citation.source.end] == citation.quote


def test_documents_keep_the_order_asked_for(filled: Library) -> None:
    ids = (_id(filled, "garden.txt"), _id(filled, "refunds.md"))
    answer = _summarizer(filled).summarize(SummaryRequest(documents=ids))
    assert answer.text.index("garden") < answer.text.index("Refunds")


def test_a_filter_chooses(filled: Library) -> None:
    only = Comparison(field="metadata.year", op="eq", value=2026)
    answer = _summarizer(filled).summarize(SummaryRequest(collection="handbook", filter=only))
    assert {citation.source.key for citation in answer.citations} == {"garden.txt"}


def test_the_events_are_those_of_an_answer(filled: Library) -> None:
    events = list(_summarizer(filled).stream(SummaryRequest(collection="handbook")))
    assert [type(event) for event in events[:2]] == [AnswerCreated, RetrievalCompleted]
    last = events[-1]
    assert isinstance(last, AnswerCompleted)
    assert filled.store.answers.get(last.answer.id).text == last.answer.text


def test_what_cannot_be_summarised_is_an_error(filled: Library) -> None:
    filled.announce("waiting.txt", "Not read yet.")
    summarizer = _summarizer(filled)
    nothing = Comparison(field="key", op="eq", value="none")
    requests: list[tuple[SummaryRequest, type[Exception]]] = [
        (SummaryRequest(documents=("doc_none",)), DocumentNotFound),
        (SummaryRequest(collection="none"), CollectionNotFound),
        (SummaryRequest(collection="handbook", filter=nothing), DocumentNotFound),
        (SummaryRequest(documents=(_id(filled, "waiting.txt"),)), InvalidRequest),
        (SummaryRequest(), InvalidRequest),
        (SummaryRequest(documents=("doc_1",), collection="handbook"), InvalidRequest),
    ]
    for request, error in requests:
        with pytest.raises(error):
            next(summarizer.stream(request))


def _long(library: Library, key: str = "long.txt", paragraphs: int = 500) -> Document:
    return library.add(
        key, "\n\n".join(f"Paragraph number {n} says something of its own. " * 8 for n in range(paragraphs))
    )


class QuotingGenerator:
    """Cites the first sentence of every passage that it is given, and counts the calls that run at once."""

    model = GenerativeModel(id="quoting", generative=True)

    def __init__(self, *, seconds: float = 0.0) -> None:
        self.prompts: list[Prompt] = []
        self.most_at_once = 0
        self._running = 0
        self._seconds = seconds
        self._lock = threading.Lock()

    def generate(self, prompt: Prompt) -> Iterator[GenerationEvent]:
        with self._lock:
            self.prompts.append(prompt)
            self._running += 1
            self.most_at_once = max(self.most_at_once, self._running)
        time.sleep(self._seconds)
        start = 0
        for number, passage in enumerate(prompt.passages):
            sentence = passage.text.partition(".")[0] + "."
            yield TextDelta(text=sentence)
            end = start + len(sentence)
            yield Claim(start=start, end=end, passage=number, quote=sentence)
            start = end
        with self._lock:
            self._running -= 1
        yield Completed(usage=Usage(input_tokens=7, output_tokens=2, cost_usd=0.25))


def test_a_model_reads_within_its_budget_and_cites_what_it_was_given(library: Library) -> None:
    document = _long(library)
    text = library.store.documents.text(document.id)
    assert len(text) > BUDGET
    generator = ScriptedGenerator(*script([("It is about paragraphs.", "says something of its own")]))
    answer = _summarizer(library, generator).summarize(SummaryRequest(documents=(document.id,)))
    sizes = [sum(len(p.text) for p in prompt.passages) for prompt in generator.prompts]
    assert len(sizes) > 2
    assert max(sizes) <= BUDGET
    assert answer.usage.input_tokens == 5 * len(sizes)
    (citation,) = answer.citations
    assert text[citation.source.start : citation.source.end] == citation.quote
    assert answer.passages[citation.passage].text in text


def test_a_document_far_beyond_the_window_is_read_whole_and_reduced_until_it_fits(library: Library) -> None:
    document = _long(library, paragraphs=2_000)
    text = library.store.documents.text(document.id)
    assert len(text) > 10 * BUDGET
    generator = QuotingGenerator(seconds=0.02)
    events = list(_summarizer(library, generator).stream(SummaryRequest(documents=(document.id,))))
    sizes = [sum(len(p.text) for p in prompt.passages) for prompt in generator.prompts]
    assert max(sizes) <= BUDGET
    assert 1 < generator.most_at_once <= CONCURRENT_CALLS
    read = {p.chunk_id for prompt in generator.prompts for p in prompt.passages}
    assert len(read) == document.chunk_count
    _check_progress(events, calls=len(sizes))
    answer = _answer(events)
    assert answer.usage == Usage(
        input_tokens=7 * len(sizes), output_tokens=2 * len(sizes), cost_usd=0.25 * len(sizes)
    )
    assert [e.citation for e in events if isinstance(e, CitationAdded)] == list(answer.citations)
    for citation in answer.citations:
        assert text[citation.source.start : citation.source.end] == citation.quote
        locator = answer.passages[citation.passage].locator
        assert locator.start <= citation.source.start < locator.end


def _check_progress(events: list[SummaryEvent], *, calls: int) -> None:
    """Every call but the last is a part; nothing but progress comes before they are read."""
    progress = [event for event in events if isinstance(event, SummaryProgress)]
    assert progress[0].done == 0
    assert (progress[-1].done, progress[-1].total) == (calls - 1, calls - 1)
    done = [event.done for event in progress]
    assert done == sorted(done)
    assert events[2 : 2 + len(progress)] == progress


def _answer(events: list[SummaryEvent]) -> Answer:
    last = events[-1]
    assert isinstance(last, AnswerCompleted)
    return last.answer


def test_a_hundred_documents_are_all_read(library: Library) -> None:
    for number in range(99):
        library.announce(f"note-{number:02}.txt", f"Note number {number} is short, and it is a note.")
    _long(library, "zz.txt", paragraphs=400)
    generator = QuotingGenerator()
    answer = _summarizer(library, generator).summarize(SummaryRequest(collection="handbook"))
    assert len({passage.document.id for passage in answer.passages}) == 100
    long = library.store.documents.find("handbook", "zz.txt")
    assert len(answer.passages) == 99 + long.chunk_count
    read = {p.document.id for prompt in generator.prompts for p in prompt.passages}
    assert len(read) == 100
    library.add("one-too-many.txt", "Nothing is left out without a word.")
    with pytest.raises(InvalidRequest, match="More than 100 documents"):
        _summarizer(library, generator).summarize(SummaryRequest(collection="handbook"))


class FailingGenerator:
    """One part fails; the others say nothing until they are stopped."""

    model = GenerativeModel(id="failing", generative=True)

    def __init__(self) -> None:
        self.calls = 0
        self.stopped: list[threading.Event] = []
        self.silent = threading.Semaphore(0)
        self._lock = threading.Lock()
        self._all_run = threading.Barrier(CONCURRENT_CALLS)

    def generate(self, prompt: Prompt) -> Iterator[GenerationEvent]:
        del prompt
        with self._lock:
            self.calls += 1
            first = self.calls == 1
        self._all_run.wait(10)
        if first:
            raise Throttled("no more")
        stop = threading.Event()
        try:
            with interruptible(stop.set):
                self.silent.release()
                stop.wait(30)
        except Interrupted:
            self.stopped.append(stop)
            raise
        yield Completed()


def test_the_first_part_that_fails_ends_the_others(library: Library) -> None:
    document = _long(library, paragraphs=2_000)
    generator = FailingGenerator()
    started = time.monotonic()
    with pytest.raises(Throttled):
        _summarizer(library, generator).summarize(SummaryRequest(documents=(document.id,)))
    assert (generator.calls, len(generator.stopped)) == (CONCURRENT_CALLS, CONCURRENT_CALLS - 1)
    assert time.monotonic() - started < 25


def test_a_summary_given_up_ends_its_parts(library: Library) -> None:
    document = _long(library, paragraphs=2_000)
    generator = FailingGenerator()
    generator.calls = 1  # none fails
    given_up = Interruption()
    events = _summarizer(library, generator).stream(SummaryRequest(documents=(document.id,)))

    def give_up() -> None:
        for _ in range(CONCURRENT_CALLS):
            generator.silent.acquire(timeout=30)
        given_up.interrupt()

    threading.Thread(target=give_up).start()
    with pytest.raises(Interrupted):
        given_up.run(list, events)
    assert len(generator.stopped) == CONCURRENT_CALLS


@given(counts=st.lists(st.integers(1, 50), min_size=1, max_size=40), room=st.integers(1, 500))
def test_shares_are_fair(counts: list[int], room: int) -> None:
    shares = fair_shares(counts, room)
    assert all(1 <= share <= count for share, count in zip(shares, counts, strict=True))
    assert sum(shares) <= max(room, len(counts))
    if sum(shares) < min(room, sum(counts)):
        assert room - sum(shares) < len(counts)
    short = [share for share, count in zip(shares, counts, strict=True) if share < count]
    assert not short or max(shares) - min(short) <= 1


def test_a_deleted_documents_text_leaves_the_summaries_that_it_was_in(filled: Library) -> None:
    both = _summarizer(filled).summarize(SummaryRequest(collection="handbook"))
    garden = _id(filled, "garden.txt")
    quiet = ScriptedGenerator(*script([("Refunds are paid.", "Refunds are paid")], passage=0))
    other = _summarizer(filled, quiet).summarize(
        SummaryRequest(documents=(_id(filled, "refunds.md"), garden))
    )
    assert {citation.source.key for citation in other.citations} == {"refunds.md"}
    event = filled.backend.source.remove("local", "handbook", "garden.txt")
    filled.store.ledger.accept(event, filled.store.collections.get("handbook"))
    while filled.worker.work_once():
        pass
    with pytest.raises(AnswerNotFound):
        filled.store.answers.get(both.id)
    kept = filled.store.answers.get(other.id)
    assert "garden" not in " ".join(passage.text for passage in kept.passages)
    assert REFUNDS in " ".join(passage.text for passage in kept.passages)
