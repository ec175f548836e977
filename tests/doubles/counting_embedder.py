"""An embedder of eight dimensions that counts what it was paid for, and fails or dies on demand."""

from collections.abc import Iterable, Sequence
from itertools import islice

from rag.domain.content import Vector, VectorStream
from rag.domain.documents import EmbeddingModel
from rag.errors import ModelUnavailable

# Vectors that come at once.
GROUP = 8


class Killed(BaseException):
    """Ends a worker as SIGKILL does: nothing of ours handles it."""


class CountingEmbedder:
    """Hashes words into a few dimensions; counts what it was paid for and fails on demand."""

    semantic_weight = 0.3

    def __init__(self, name: str = "counting", *, max_tokens: int | None = None) -> None:
        self.model = EmbeddingModel(id=name, dimensions=8)
        self.max_tokens = max_tokens
        self.embedded: list[str] = []
        self.failing: Exception | None = None
        self.failing_after: int | None = None  # so many texts
        self.kill_in_call = 0

    def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        if self.failing:
            raise self.failing
        if self.failing_after is not None and len(self.embedded) >= self.failing_after:
            raise ModelUnavailable("The model server does not answer.")
        self.kill_in_call -= 1
        if self.kill_in_call == 0:
            raise Killed
        self.embedded += texts
        return [self.embed_query(text) for text in texts]

    def embed_stream(self, texts: Iterable[str]) -> VectorStream:
        numbered = enumerate(texts)
        while batch := list(islice(numbered, GROUP)):
            vectors = self.embed_documents([text for _, text in batch])
            yield [(number, vector) for (number, _), vector in zip(batch, vectors, strict=True)]

    def embed_query(self, text: str) -> Vector:
        counts = [1.0] + [0.0] * 7
        for word in text.split():
            counts[sum(word.encode()) % 8] += 1
        norm = sum(count * count for count in counts) ** 0.5
        return [count / norm for count in counts]

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(text.split()) for text in texts]
