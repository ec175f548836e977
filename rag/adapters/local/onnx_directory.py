"""What a sentence-transformers model directory says about its model."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Final, Self

from rag.errors import SettingInvalid

_MODELS: Final = ("model.onnx", "onnx/model.onnx")
_MAX_TOKENS: Final = 512
_UNUSED_POSITIONS: Final = {"roberta": 2, "xlm-roberta": 2, "camembert": 2, "mpnet": 2}


class Pooling(Enum):
    """How token vectors become one; the value is the key in 1_Pooling/config.json."""

    MEAN = "pooling_mode_mean_tokens"
    CLS = "pooling_mode_cls_token"


@dataclass(frozen=True, kw_only=True)
class ModelDirectory:
    """`max_tokens` counts special tokens too."""

    model: Path
    tokenizer: Path
    model_id: str
    pooling: Pooling
    max_tokens: int
    query_prompt: str
    document_prompt: str

    @classmethod
    def read(cls, directory: Path) -> Self:
        """Raises SettingInvalid where a file is missing or says what cannot be done."""
        if not directory.is_dir():
            raise SettingInvalid(f"ACERVO_EMBEDDING names the directory {directory}, which does not exist")
        model = _first_file(directory, _MODELS)
        prompts = _json(directory / "config_sentence_transformers.json").get("prompts") or {}
        return cls(
            model=model,
            tokenizer=_first_file(directory, ("tokenizer.json",)),
            model_id=f"{directory.resolve().name}-{_digest(model)}",
            pooling=_pooling(_json(directory / "1_Pooling/config.json")),
            max_tokens=_max_tokens(directory),
            query_prompt=str(prompts.get("query", "")),
            document_prompt=str(prompts.get("document", prompts.get("passage", ""))),
        )


def _first_file(directory: Path, names: tuple[str, ...]) -> Path:
    for name in names:
        if (directory / name).is_file():
            return directory / name
    raise SettingInvalid(
        f"{directory} has no {' or '.join(names)}: ACERVO_EMBEDDING=onnx:<directory> needs a"
        " sentence-embedding model exported to ONNX, with its tokenizer.json"
    )


def _pooling(config: Mapping[str, Any]) -> Pooling:
    chosen = [key for key, on in config.items() if key.startswith("pooling_mode_") and on is True]
    if not chosen:
        return Pooling.MEAN
    if len(chosen) > 1 or chosen[0] not in {pooling.value for pooling in Pooling}:
        raise SettingInvalid(f"The ONNX model pools by {' and '.join(chosen)}; mean and cls are supported")
    return Pooling(chosen[0])


def _max_tokens(directory: Path) -> int:
    stated = _json(directory / "sentence_bert_config.json").get("max_seq_length")
    if isinstance(stated, int):
        return stated
    config = _json(directory / "config.json")
    positions = config.get("max_position_embeddings")
    if not isinstance(positions, int):
        return _MAX_TOKENS
    return min(_MAX_TOKENS, positions - _UNUSED_POSITIONS.get(str(config.get("model_type")), 0))


def _digest(model: Path) -> str:
    """Two models in directories of the same name must not pass for one."""
    with model.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:8]


def _json(path: Path) -> Mapping[str, Any]:
    """The object in a file that need not be there."""
    if not path.is_file():
        return {}
    try:
        value = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise SettingInvalid(f"{path} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise SettingInvalid(f"{path} is not a JSON object")
    return value
