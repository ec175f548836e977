"""The WordLlama static embedding model from the weights inside its package, offline."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Final

import numpy as np

from rag.adapters.local.batches import stream_in_batches
from rag.adapters.local.vectors import FloatArray, unit_rows, well_formed
from rag.domain.content import Vector, VectorStream
from rag.domain.documents import EmbeddingModel
from rag.errors import SettingInvalid

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_WEIGHTS: Final = "weights/l2_supercat_256.safetensors"
_TOKENIZER: Final = "tokenizers/l2_supercat_tokenizer_config.json"
_DIMENSIONS: Final = 256


@dataclass(frozen=True, kw_only=True)
class _StaticModel:
    """`embeddings` has one row a token id."""

    tokenizer: "Tokenizer"
    embeddings: FloatArray


class WordLlamaEmbedder:
    model: Final = EmbeddingModel(id="wordllama-l2-supercat-256", dimensions=_DIMENSIONS)
    # From bench/: the weight fitted on training questions, between 0.3 and 0.4 on every set.
    semantic_weight: Final = 0.35
    max_tokens: Final = None

    def __init__(self) -> None:
        self._loading = Lock()
        self._loaded: _StaticModel | None = None

    def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        if not texts:
            return []
        embeddings = self._static_model().embeddings
        return [*unit_rows(np.stack([_mean(embeddings, ids) for ids in self._token_ids(texts)]))]

    def embed_stream(self, texts: Iterable[str]) -> VectorStream:
        return stream_in_batches(self.embed_documents, texts)

    def embed_query(self, text: str) -> Vector:
        return self.embed_documents([text])[0]

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(ids) for ids in self._token_ids(texts)]

    def _token_ids(self, texts: Sequence[str]) -> list[list[int]]:
        tokenizer = self._static_model().tokenizer
        encodings = tokenizer.encode_batch_fast([*map(well_formed, texts)], add_special_tokens=False)
        return [encoding.ids for encoding in encodings]

    def _static_model(self) -> _StaticModel:
        with self._loading:
            if self._loaded is None:
                self._loaded = _load(_package_directory())
            return self._loaded


def _mean(embeddings: FloatArray, ids: Sequence[int]) -> FloatArray:
    # Distinct tokens with their counts: a text of any length takes at most one copy of the table.
    distinct, counts = np.unique(np.asarray(ids, dtype=np.int64), return_counts=True)
    total: FloatArray = counts.astype(np.float32) @ embeddings[distinct]
    return total / np.float32(max(len(ids), 1))


def _load(package: Path) -> _StaticModel:
    # Not before a text is embedded: a server answers its first health check without them.
    from safetensors.numpy import load_file  # noqa: PLC0415 - see above
    from tokenizers import Tokenizer  # noqa: PLC0415 - see above

    weights = load_file(package / _WEIGHTS)["embedding.weight"]
    return _StaticModel(
        tokenizer=Tokenizer.from_file(str(package / _TOKENIZER)),
        embeddings=np.ascontiguousarray(weights, dtype=np.float32),
    )


def _package_directory() -> Path:
    # The package is found, not imported: importing it sets up the root logger (wordllama 0.4.0.post1) and
    # brings compiled clustering code and requests, none of which averaging token vectors needs.
    spec = find_spec("wordllama")
    if spec is None or spec.origin is None:
        raise SettingInvalid("ACERVO_EMBEDDING=wordllama needs the package wordllama: pip install wordllama")
    return Path(spec.origin).parent
