"""Any sentence-embedding model directory in ONNX form."""

from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from rag.adapters.local.batches import stream_in_batches
from rag.adapters.local.onnx_directory import ModelDirectory, Pooling
from rag.adapters.local.vectors import FloatArray, unit_rows, well_formed
from rag.domain.content import Vector, VectorStream
from rag.domain.documents import EmbeddingModel
from rag.errors import SettingInvalid

_IntArray = npt.NDArray[np.int64]

_BATCH: Final = 32
_KNOWN_INPUTS: Final = frozenset({"input_ids", "attention_mask", "token_type_ids", "position_ids"})
_OUTPUTS: Final = ("sentence_embedding", "last_hidden_state", "token_embeddings")
_SENTENCE_AXES: Final = 2


class OnnxEmbedder:
    """Embeds with `directory`/model.onnx or `directory`/onnx/model.onnx, loaded at once.

    `semantic_weight` is to be measured with bench/ for the model at hand.
    """

    def __init__(self, directory: Path, *, semantic_weight: float = 0.5) -> None:
        self._directory = ModelDirectory.read(directory)
        self._counting, self._tokenizer = _tokenizers(self._directory)
        self._session = _session(self._directory.model)
        self._inputs = _input_names(self._session)
        self._output = _output_name(self._session)
        self._semantic_weight = semantic_weight
        self._model = EmbeddingModel(
            id=self._directory.model_id, dimensions=self._pooled(["dimensions"]).shape[1]
        )

    @property
    def model(self) -> EmbeddingModel:
        return self._model

    @property
    def semantic_weight(self) -> float:
        return self._semantic_weight

    @property
    def max_tokens(self) -> int:
        """What the model reads, less the special tokens and the prompt before each text."""
        prompt = self._counting.encode(self._directory.document_prompt)
        return self._directory.max_tokens - len(prompt.ids)

    def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        return self._embed([self._directory.document_prompt + text for text in texts])

    def embed_stream(self, texts: Iterable[str]) -> VectorStream:
        return stream_in_batches(self.embed_documents, texts)

    def embed_query(self, text: str) -> Vector:
        return self._embed([self._directory.query_prompt + text])[0]

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        encodings = self._counting.encode_batch([*map(well_formed, texts)], add_special_tokens=False)
        return [len(encoding.ids) for encoding in encodings]

    def _embed(self, texts: Sequence[str]) -> list[Vector]:
        vectors: list[Vector] = [()] * len(texts)
        for batch in _batches_of_like_length(texts):
            for position, vector in zip(
                batch, unit_rows(self._pooled([texts[i] for i in batch])), strict=True
            ):
                vectors[position] = vector
        return vectors

    def _pooled(self, texts: Sequence[str]) -> FloatArray:
        encodings = self._tokenizer.encode_batch([*map(well_formed, texts)])
        ids, mask = _padded(encodings)
        offered = {
            "input_ids": ids,
            "attention_mask": mask,
            "token_type_ids": np.zeros_like(ids),
            "position_ids": np.broadcast_to(np.arange(ids.shape[1]), ids.shape),
        }
        (output,) = self._session.run([self._output], {name: offered[name] for name in self._inputs})
        return _pool(np.asarray(output, dtype=np.float32), mask, self._directory.pooling)


def _batches_of_like_length(texts: Sequence[str]) -> Iterator[list[int]]:
    """Positions of texts to embed together: little padding."""
    by_length = sorted(range(len(texts)), key=lambda position: len(texts[position]))
    return (by_length[start : start + _BATCH] for start in range(0, len(texts), _BATCH))


def _padded(encodings: Sequence[Any]) -> tuple[_IntArray, _IntArray]:
    """Token ids and attention mask, at least one token wide."""
    width = max(1, *(len(encoding.ids) for encoding in encodings))
    ids = np.zeros((len(encodings), width), dtype=np.int64)
    mask = np.zeros_like(ids)
    for row, encoding in enumerate(encodings):
        ids[row, : len(encoding.ids)] = encoding.ids
        mask[row, : len(encoding.ids)] = 1
    return ids, mask


def _pool(output: FloatArray, mask: _IntArray, pooling: Pooling) -> FloatArray:
    if output.ndim == _SENTENCE_AXES:
        return output
    if pooling is Pooling.CLS:
        return output[:, 0]
    weights = mask[..., np.newaxis].astype(np.float32)
    mean: FloatArray = (output * weights).sum(axis=1) / np.maximum(weights.sum(axis=1), 1.0)
    return mean


def _tokenizers(directory: ModelDirectory) -> tuple[Any, Any]:
    """One that counts every token, one that cuts at the model's longest input."""
    counting, cutting = _tokenizer(directory.tokenizer), _tokenizer(directory.tokenizer)
    counting.no_truncation()
    cutting.enable_truncation(max_length=directory.max_tokens)
    return counting, cutting


def _tokenizer(path: Path) -> Any:
    tokenizer_type = _optional("tokenizers").Tokenizer
    try:
        tokenizer = tokenizer_type.from_file(str(path))
    except Exception as error:  # tokenizers raises Exception itself
        raise SettingInvalid(f"{path} is not a tokenizer: {error}") from error
    tokenizer.no_padding()
    return tokenizer


def _session(model: Path) -> Any:
    onnxruntime = _optional("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors only: it warns of every node it moves
    failures = (
        onnxruntime.capi.onnxruntime_pybind11_state.Fail,
        onnxruntime.capi.onnxruntime_pybind11_state.InvalidGraph,
        onnxruntime.capi.onnxruntime_pybind11_state.InvalidProtobuf,
        onnxruntime.capi.onnxruntime_pybind11_state.NotImplemented,
    )
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except failures as error:
        raise SettingInvalid(f"{model} is not an ONNX model that onnxruntime can run: {error}") from error


def _input_names(session: Any) -> list[str]:
    names = [node.name for node in session.get_inputs()]
    if unknown := sorted(set(names) - _KNOWN_INPUTS):
        raise SettingInvalid(f"The ONNX model asks for inputs a text embedding model has not: {unknown}")
    return names


def _output_name(session: Any) -> str:
    names = [node.name for node in session.get_outputs()]
    return next((name for name in _OUTPUTS if name in names), names[0])


def _optional(package: str) -> Any:
    try:
        return import_module(package)
    except ImportError as error:
        raise SettingInvalid(
            f"ACERVO_EMBEDDING=onnx:… needs {package}, which is not installed: pip install 'acervo[onnx]'"
        ) from error
