"""Answers made of the passages' own sentences: no language model, nothing that was not written."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from rag.adapters.local.centrality import central_sentences
from rag.adapters.local.evidence import sufficient
from rag.adapters.local.sentence_choice import choose, read
from rag.adapters.local.sentences import Sentence
from rag.domain.answers import (
    Claim,
    Completed,
    GenerationEvent,
    GenerativeModel,
    Prompt,
    Style,
    TextDelta,
)
from rag.ports import Embedder


class ExtractiveGenerator:
    """Selects, orders and quotes sentences; says nothing where the evidence is insufficient."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    @property
    def model(self) -> GenerativeModel:
        return GenerativeModel(id="extractive", generative=False)

    def generate(self, prompt: Prompt) -> Iterator[GenerationEvent]:
        sentences = self._sentences(prompt)
        yield from _said(sentences)
        yield Completed(distrusted=not sentences and self._distrusted(prompt))

    def _distrusted(self, prompt: Prompt) -> bool:
        """Whether there would be an answer if no passage had been taken for one that gives orders."""
        if not any(passage.suspicious for passage in prompt.passages):
            return False
        passages = tuple(replace(passage, suspicious=False) for passage in prompt.passages)
        return bool(self._sentences(replace(prompt, passages=passages)))

    def _sentences(self, prompt: Prompt) -> list[Sentence]:
        if not prompt.passages:
            return []
        if prompt.style is Style.SUMMARY:
            return central_sentences(prompt.passages, self._embedder)
        reading = read(prompt, self._embedder)
        return choose(reading) if sufficient(reading.evidence) else []


def _said(sentences: Iterable[Sentence]) -> Iterator[GenerationEvent]:
    length = 0
    for sentence in sentences:
        text = (" " if length else "") + " ".join(sentence.text.split())
        yield TextDelta(text=text)
        start = length + (1 if length else 0)
        length += len(text)
        yield Claim(start=start, end=length, passage=sentence.passage, quote=sentence.text)
