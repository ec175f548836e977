"""The sentences of a question-answering set that prove its answers, as spans of its documents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from bench.datasets import DatasetDocument, read_jsonl
from rag.text.sentences import sentence_spans

_Span: TypeAlias = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """`start` and `end` in the text of the document."""

    document: str
    start: int
    end: int


@dataclass(frozen=True, kw_only=True)
class Question:
    """`evidence` is empty where the documents hold no answer."""

    text: str
    answerable: bool
    evidence: frozenset[Evidence]


def load_questions(directory: Path, documents: Sequence[DatasetDocument]) -> list[Question]:
    """The questions of qa.jsonl. Raises ValueError where evidence does not stand in its document."""
    texts = {document.id: document.text for document in documents}
    return [_question(line, texts) for line in read_jsonl(directory / "qa.jsonl")]


def _question(line: Mapping[str, Any], texts: Mapping[str, str]) -> Question:
    found = _annotated(line, texts) if "sentences" in line else _around_answers(line, texts)
    return Question(text=line["question"], answerable=line["answerable"], evidence=frozenset(found))


def _annotated(line: Mapping[str, Any], texts: Mapping[str, str]) -> list[Evidence]:
    """CLAPnq: the sentences that annotators used, in every annotation."""
    if not line["answerable"]:
        return []
    (document,) = line["gold"]
    text = texts[document]
    spans = (_span(sentence, text) for sentences in line["evidence_sentences"] for sentence in sentences)
    return [Evidence(document=document, start=start, end=end) for start, end in spans]


def _span(sentence: str, text: str) -> _Span:
    start = text.find(sentence)
    if start < 0:
        raise ValueError(f"evidence is not in its document: {sentence[:80]!r}")
    return start, start + len(sentence)


def _around_answers(line: Mapping[str, Any], texts: Mapping[str, str]) -> list[Evidence]:
    """FaQuAD: every sentence that a part of an answer stands in."""
    (document,) = line["gold"]
    sentences = list(sentence_spans(texts[document]))
    return [
        Evidence(document=document, start=start, end=end)
        for begin, answer in zip(line["answer_start"], line["answers"], strict=True)
        for start, end in sentences
        if start < begin + len(answer) and begin < end
    ]
