"""What an operator does about the embedding models of a collection."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from ingestion.embed_stored import embedded_text
from ingestion.pipeline import Pipeline
from ingestion.reembed import reembed_once
from rag.domain.reembedding import Reembedding
from rag.embedders import described, named_model
from rag.errors import ChunksTooLong
from rag.ports import Backend, Embedder, ReembeddingStore

# A search that began before a switch still asks for the former model's vectors.
GRACE: Final = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class ReembeddingAdministration:
    backend: Backend
    tenant: str
    max_document_bytes: int

    def start(
        self, collection: str, model: str, dimensions: int | None, progress: Callable[[int], None]
    ) -> Reembedding:
        """`progress` gets the number of chunks whose length was looked at.

        Raises SettingInvalid, ChunksTooLong, ReembeddingConflict and CollectionNotFound.
        """
        backend = self.backend
        embedder = named_model(model, dimensions, backend.embedder, backend.other_embedders)
        self._check_lengths(collection, embedder, progress)
        started = self._store.start(collection, embedder.model)
        backend.source.request_work(self.tenant)
        return started

    def status(self, collection: str) -> Reembedding:
        return self._store.get(collection)

    def switch(self, collection: str) -> Reembedding:
        return self._store.switch(collection)

    def roll_back(self, collection: str) -> Reembedding:
        return self._store.roll_back(collection)

    def confirm(self, collection: str) -> Reembedding:
        return self._discard(collection, switched=True)

    def cancel(self, collection: str) -> Reembedding:
        return self._discard(collection, switched=False)

    def work_off(self) -> Iterator[None]:
        """Yields after every step that is due."""
        backend = self.backend
        pipeline = Pipeline(
            source=backend.source,
            embedder=backend.embedder,
            other_embedders=backend.other_embedders,
            max_document_bytes=self.max_document_bytes,
        )
        while reembed_once(backend.store.tenant(self.tenant), pipeline):
            yield

    def _discard(self, collection: str, *, switched: bool) -> Reembedding:
        left = self._store.discard(collection, switched=switched, delay=GRACE)
        self.backend.source.request_work(self.tenant)
        return left

    def _check_lengths(self, collection: str, embedder: Embedder, progress: Callable[[int], None]) -> None:
        most = embedder.max_tokens
        if most is None:
            return
        seen = too_long = longest = 0
        for chunks in self._store.texts(collection):
            counts = embedder.count_tokens([embedded_text(chunk) for chunk in chunks])
            too_long += sum(count > most for count in counts)
            longest = max(longest, *counts)
            seen += len(chunks)
            progress(seen)
        if too_long:
            raise ChunksTooLong(
                f"{described(embedder.model)} reads {most:,} tokens of a text; {too_long:,} of the {seen:,}"
                f" chunks of {collection!r} have more, up to {longest:,}. Nothing was changed. Make the"
                " collection's chunks smaller first (chunking.max_tokens)."
            )

    @property
    def _store(self) -> ReembeddingStore:
        return self.backend.store.tenant(self.tenant).reembedding
