"""Question to cited answer: retrieve, generate, verify, save."""

from collections.abc import Callable, Iterator, Sequence
from collections.abc import Generator as Coroutine
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TypeAlias

from app.follow_up import bounded, rewrite
from app.ground import Grounded, GroundEvent, Withdrawn, ground
from app.injection import flagged, suspicious_last
from app.models import check_model
from app.prompt import grounded_prompt
from app.retrieve import Retriever, Stopwatch
from app.usage import total
from rag.domain.answers import Answer, AnswerRequest, Citation, Prompt, TextDelta, Turn
from rag.domain.ids import new_id
from rag.domain.search import Passage, Retrieved, SearchRequest
from rag.ports import Generator, PassageGuard, TenantStore
from rag.text.language import detect_language

RECENT_TURNS = 6


@dataclass(frozen=True, kw_only=True)
class AnswerCreated:
    id: str


@dataclass(frozen=True, kw_only=True)
class RetrievalCompleted:
    passages: tuple[Passage, ...]


@dataclass(frozen=True, kw_only=True)
class CitationAdded:
    citation: Citation


@dataclass(frozen=True, kw_only=True)
class AnswerCompleted:
    answer: Answer


AnswerEvent: TypeAlias = (
    AnswerCreated | RetrievalCompleted | TextDelta | CitationAdded | Withdrawn | AnswerCompleted
)


@dataclass(frozen=True, kw_only=True)
class Answerer:
    """The deltas of a stream since the last withdrawal, joined, are the answer's text."""

    store: TenantStore
    retriever: Retriever
    generator: Generator
    guard: PassageGuard | None = None

    def answer(self, request: AnswerRequest) -> Answer:
        return completed(self.stream(request))

    def stream(self, request: AnswerRequest) -> Iterator[AnswerEvent]:
        """Retrieval comes before the first event: what is wrong with a request is raised, not streamed.

        Raises ConversationNotFound and what retrieval and the generator raise.
        """
        watch = Stopwatch()
        check_model(self.generator, request.model)
        history = self._history(request.conversation_id)
        question = request.search.query
        asked = rewrite(self.generator, question, history, model=request.model)
        retrieved = self._retrieve(replace(request.search, query=asked.question))
        answer_id = new_id("ans")
        yield AnswerCreated(id=answer_id)
        yield RetrievalCompleted(passages=retrieved.passages)
        language = detect_language(question) if request.language == "auto" else request.language
        prompt = self._prompt(request, asked.question, history, retrieved, language)
        outcome = yield from answer_events(ground(self.generator, prompt, language))
        timings = {**retrieved.timings_ms, "generate": outcome.generate_ms, "total": watch.total()}
        answer = compose(outcome, prompt, self.generator, answer_id=answer_id, timings_ms=timings)
        answer = replace(
            answer,
            language=language,
            conversation_id=request.conversation_id,
            query=asked.question,
            rerank_failure=retrieved.rerank_failure,
            usage=total([asked.usage, outcome.usage]),
        )
        self.store.answers.save(answer, question=question)
        yield AnswerCompleted(answer=answer)

    def _retrieve(self, search: SearchRequest) -> Retrieved:
        retrieved = self.retriever.retrieve(search)
        return replace(retrieved, passages=suspicious_last(flagged(retrieved.passages, self.guard)))

    def _history(self, conversation_id: str | None) -> tuple[Turn, ...]:
        if conversation_id is None:
            return ()
        self.store.answers.conversation(conversation_id)
        return bounded(self.store.answers.recent_turns(conversation_id, RECENT_TURNS))

    def _prompt(
        self,
        request: AnswerRequest,
        query: str,
        history: Sequence[Turn],
        retrieved: Retrieved,
        language: str,
    ) -> Prompt:
        """Only a generative model reads the history; another one gets the question made to stand alone."""
        generative = self.generator.model.generative
        return grounded_prompt(
            request.search.query if generative else query,
            passages=retrieved.passages,
            terms=retrieved.terms,
            style=request.style,
            language=language,
            history=history,
            model=request.model,
            max_tokens=request.max_tokens,
        )


def answer_events(
    events: Coroutine[GroundEvent, None, Grounded], place: Callable[[Citation], Citation] = lambda it: it
) -> Coroutine[TextDelta | CitationAdded | Withdrawn, None, Grounded]:
    """The same with its citations as events of an answer, each as `place` makes it."""
    with closing(events):
        while True:
            try:
                event = next(events)
            except StopIteration as end:
                outcome: Grounded = end.value
                return replace(outcome, citations=tuple(map(place, outcome.citations)))
            yield CitationAdded(citation=place(event)) if isinstance(event, Citation) else event


def compose(
    outcome: Grounded, prompt: Prompt, generator: Generator, *, answer_id: str, timings_ms: dict[str, float]
) -> Answer:
    asked = prompt.model or generator.model.id
    return Answer(
        id=answer_id,
        status=outcome.status,
        text=outcome.text,
        language=prompt.language,
        model=outcome.model or asked,
        fallback_from=asked if outcome.model else None,
        citations=outcome.citations,
        unsupported=outcome.unsupported,
        passages=prompt.passages,
        usage=outcome.usage,
        timings_ms=timings_ms,
    )


def completed(events: Iterator[AnswerEvent]) -> Answer:
    """The answer that ends a stream."""
    last: AnswerEvent | None = None
    for event in events:
        last = event
    if not isinstance(last, AnswerCompleted):
        raise TypeError("a stream of answer events ends with AnswerCompleted")
    return last.answer
