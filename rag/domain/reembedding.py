"""A second embedding model of a collection beside the one that serves."""

from dataclasses import dataclass
from enum import StrEnum

from rag.domain.documents import EmbeddingModel


class ReembeddingStatus(StrEnum):
    """`embedding`: the other model's vectors are made. `switched`: it serves, and the former one's are kept.
    `discarding`: the vectors of the model that no longer counts are removed.
    """

    EMBEDDING = "embedding"
    SWITCHED = "switched"
    DISCARDING = "discarding"


@dataclass(frozen=True, kw_only=True)
class Reembedding:
    """`embedded` of the `chunks` that readers see have a vector of the `other` model.

    `complete`: the background has nothing left to do. `failure` is why its last step came to nothing.
    """

    collection: str
    serving: EmbeddingModel
    other: EmbeddingModel
    status: ReembeddingStatus
    chunks: int
    embedded: int
    complete: bool
    failure: str | None


@dataclass(frozen=True, kw_only=True)
class ReembeddingWork:
    """A step of it, for one worker alone until the lease ends."""

    collection_id: str
    claim: int
    model: EmbeddingModel
    discards: bool


@dataclass(frozen=True, kw_only=True)
class StoredChunk:
    """`titles`: what the document may have been called when the chunk was embedded, likeliest first."""

    id: str
    document_id: str
    ordinal: int
    text: str
    headings: tuple[str, ...]
    titles: tuple[str | None, ...]
    embedded_sha256: bytes
