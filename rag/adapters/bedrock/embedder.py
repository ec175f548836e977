"""Embedding through Bedrock: many calls at once, paced by one limiter."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from pydantic_core import from_json, to_json

from rag.adapters.bedrock.client import bedrock_runtime
from rag.adapters.bedrock.errors import MalformedAnswer, TextTooLong
from rag.adapters.bedrock.invoke import ModelInvoker, Parse
from rag.adapters.bedrock.limiter import Cancelled, Limiter
from rag.adapters.bedrock.model_id import parse_model_id
from rag.adapters.bedrock.stream import stream
from rag.adapters.bedrock.wire import MODELS, Purpose, WireFormat
from rag.adapters.local.vectors import well_formed
from rag.domain.content import Vector, VectorStream
from rag.domain.documents import EmbeddingModel
from rag.errors import SettingInvalid
from rag.telemetry import logger

_BYTES_PER_TOKEN: Final = 4
# InvokeModel takes 25 MB.
_CHARACTERS_PER_CALL: Final = 2_000_000
# A vector is 32 kB of Python floats: 64 calls of 96 texts would hold 200 MB.
_FEWEST_CALLS: Final = 8
_SHORTER: Final = 0.75
_SHORTEST: Final = 100

_Invoke = Callable[[bytes, Parse[list[Vector]], int], list[Vector]]


@dataclass(frozen=True, kw_only=True)
class _Batch:
    """`first`: the number of the first text."""

    first: int
    texts: Sequence[str]


class BedrockEmbedder:
    """Titan Text Embeddings V2, Cohere Embed v4 or multilingual v3.

    `model_id` may be an inference profile's. `dimensions` None: the model's default. A text longer than
    the model reads is embedded by its beginning, with a warning where its end is cut off here. Raises
    SettingInvalid for a model or dimensions that are not known here.
    """

    # Not measured: bench/ needs a Bedrock account.
    semantic_weight: Final = 0.5

    def __init__(
        self,
        model_id: str,
        *,
        dimensions: int | None = None,
        limiter: Limiter | None = None,
        client: Any | None = None,
    ) -> None:
        # Vectors are the same through whatever profile a model is reached.
        base_id = parse_model_id(model_id).base
        self._wire, chosen = _wire(base_id, dimensions)
        self._limiter = limiter or Limiter()
        self._client = client or bedrock_runtime(connections=self._limiter.concurrency)
        self._invoker = ModelInvoker(self._client, model_id, self._limiter)
        self._warned = False
        self.model: Final = EmbeddingModel(id=base_id, dimensions=chosen)
        self.max_tokens: Final = self._wire.max_tokens

    def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        vectors: list[Vector] = [()] * len(texts)
        for finished in self.embed_stream(texts):
            for number, vector in finished:
                vectors[number] = vector
        return vectors

    def embed_stream(self, texts: Iterable[str]) -> VectorStream:
        """Closing it waits for the calls in flight.

        Draws two texts for each call that may be in flight, or eight calls' worth if that is more.
        """
        ahead = max(_FEWEST_CALLS, 2 * self._limiter.concurrency // self._wire.texts_per_call)
        threads = min(self._limiter.concurrency, ahead)
        results = stream(self._embed_batch, self._batches(texts), threads=threads, ahead=ahead)
        with closing(results):
            for finished in results:
                yield [pair for pairs in finished for pair in pairs]

    def embed_query(self, text: str) -> Vector:
        def invoke(body: bytes, parse: Parse[list[Vector]], tokens: int) -> list[Vector]:
            return self._invoker.invoke_first(body, parse, tokens=tokens)

        (vector,) = self._embed([self._sendable(text)], "query", invoke)
        return vector

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """An estimate, one token for four bytes of UTF-8: the tokenizers are not public."""
        return [math.ceil(len(text.encode("utf-8", "replace")) / _BYTES_PER_TOKEN) for text in texts]

    def close(self) -> None:
        self._client.close()

    def _batches(self, texts: Iterable[str]) -> Iterator[_Batch]:
        first, batch = 0, list[str]()
        for text in map(self._sendable, texts):
            batch.append(text)
            if len(batch) == self._wire.texts_per_call or sum(map(len, batch)) >= _CHARACTERS_PER_CALL:
                yield _Batch(first=first, texts=batch)
                first, batch = first + len(batch), []
        if batch:
            yield _Batch(first=first, texts=batch)

    def _embed_batch(self, batch: _Batch, cancelled: Cancelled) -> list[tuple[int, Vector]]:
        def invoke(body: bytes, parse: Parse[list[Vector]], tokens: int) -> list[Vector]:
            return self._invoker.invoke(body, parse, tokens=tokens, cancelled=cancelled)

        return [*enumerate(self._embed(batch.texts, "document", invoke), start=batch.first)]

    def _embed(self, texts: Sequence[str], purpose: Purpose, invoke: _Invoke) -> list[Vector]:
        def parse(body: bytes) -> list[Vector]:
            return self._unit_vectors(body, len(texts))

        while True:
            tokens = sum(self.count_tokens(texts))
            try:
                return invoke(to_json(self._wire.request(texts, purpose)), parse, tokens)
            except TextTooLong:
                # Only Titan has no truncation of its own, and it takes one text.
                if len(texts) > 1 or len(texts[0]) < _SHORTEST:
                    raise
                texts = [self._cut(texts[0], int(len(texts[0]) * _SHORTER))]

    def _unit_vectors(self, body: bytes, count: int) -> list[Vector]:
        try:
            rows = np.asarray(self._wire.embeddings(from_json(body)), dtype=np.float32)
        except (KeyError, TypeError, ValueError) as error:
            raise MalformedAnswer(f"The answer of {self.model.id} is not embeddings: {error!r}") from error
        if rows.shape != (count, self.model.dimensions):
            raise MalformedAnswer(
                f"{self.model.id} gave embeddings of shape {rows.shape}"
                f" for {count} texts in {self.model.dimensions} dimensions"
            )
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        if not (np.isfinite(lengths).all() and lengths.all()):
            raise MalformedAnswer(f"{self.model.id} gave an embedding without a direction")
        return [*(rows / lengths).tolist()]

    def _sendable(self, text: str) -> str:
        """Bedrock refuses empty texts."""
        written = well_formed(text).replace("\0", " ")
        return self._cut(written, self._wire.longest_text) if written.strip() else "."

    def _cut(self, text: str, length: int) -> str:
        if len(text) <= length:
            return text
        if not self._warned:
            self._warned = True
            logger.warning(
                "%s reads no more than the first %d of a text's %d characters; further texts may be cut too",
                self.model.id,
                length,
                len(text),
            )
        return text[:length].rstrip() or "."


def _wire(model_id: str, dimensions: int | None) -> tuple[WireFormat, int]:
    if model_id not in MODELS:
        raise SettingInvalid(
            f"ACERVO_EMBEDDING: no embedding model of Bedrock is known here as {model_id!r};"
            f" known are {', '.join(MODELS)}"
        )
    family = MODELS[model_id]
    chosen = family.dimensions[0] if dimensions is None else dimensions
    if chosen not in family.dimensions:
        raise SettingInvalid(
            f"ACERVO_EMBEDDING: {model_id} has {', '.join(map(str, family.dimensions))} dimensions,"
            f" not {dimensions}"
        )
    return family.wire(chosen), chosen
