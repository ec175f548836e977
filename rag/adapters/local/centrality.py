"""Which sentences sum up documents: near the centre of their meaning, and early."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from rag.adapters.local.sentence_choice import cosine_of
from rag.adapters.local.sentences import Sentence, repeats, trusted_sentences
from rag.domain.content import Vector
from rag.domain.search import Passage
from rag.ports import Embedder

MOST_SENTENCES = 12
SENTENCES_OF_ONE = 5
# What is embedded of one document; a long one is represented by its beginning.
READ_SENTENCES = 200
EARLY_SHARE = 0.2
FEWEST_TERMS = 5


def central_sentences(passages: Sequence[Passage], embedder: Embedder) -> list[Sentence]:
    """Some of each document, in reading order; all documents while there are at most MOST_SENTENCES."""
    documents = list(_by_document(passages))[:MOST_SENTENCES]
    share = max(1, min(SENTENCES_OF_ONE, MOST_SENTENCES // max(1, len(documents))))
    chosen: list[Sentence] = []
    for sentences in documents:
        chosen += _most_central(sentences[:READ_SENTENCES], share, embedder)
    return chosen


def _by_document(passages: Sequence[Passage]) -> Iterator[list[Sentence]]:
    sentences = (s for s in trusted_sentences(passages) if len(s.terms) >= FEWEST_TERMS)
    for _, group in groupby(sentences, key=lambda s: passages[s.passage].document.id):
        yield list(group)


def _most_central(sentences: Sequence[Sentence], count: int, embedder: Embedder) -> list[Sentence]:
    vectors = embedder.embed_documents([sentence.text for sentence in sentences])
    centre = _mean(vectors)
    scores = [
        cosine_of(vector, centre) + EARLY_SHARE * (1 - place / len(sentences))
        for place, vector in enumerate(vectors)
    ]
    ranked = sorted(zip(scores, sentences, strict=True), key=lambda pair: (-pair[0], pair[1].place))
    return sorted(_distinct((sentence for _, sentence in ranked), count), key=lambda s: s.place)


def _distinct(sentences: Iterable[Sentence], count: int) -> list[Sentence]:
    chosen: list[Sentence] = []
    for sentence in sentences:
        if len(chosen) < count and not repeats(sentence, chosen):
            chosen.append(sentence)
    return chosen


def _mean(vectors: Sequence[Vector]) -> Vector:
    return [sum(values) / len(vectors) for values in zip(*vectors, strict=True)]
