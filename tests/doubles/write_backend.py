"""A backend of the write path alone."""

from collections.abc import Sequence
from dataclasses import dataclass

from rag.ports import BuildEmbedder, Embedder, Generator, Ocr, PassageGuard, Reranker, Source, Store


@dataclass(kw_only=True)
class WriteBackend:
    """What it is given, and no models that generate."""

    store: Store
    source: Source
    embedder: Embedder
    other_embedders: Sequence[BuildEmbedder] = ()
    reranker: Reranker | None = None
    guard: PassageGuard | None = None
    ocr: Ocr | None = None

    @property
    def generator(self) -> Generator:
        raise NotImplementedError("the write path generates nothing")

    def close(self) -> None:
        self.store.close()
