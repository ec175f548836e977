"""Model directories in ONNX form."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from rag.adapters.local.onnx import OnnxEmbedder
from rag.errors import SettingInvalid
from tests.doubles.onnx_model import DIMENSIONS, onnx_gather, table, write_model

WORDS = ["alpha", "beta", "gamma"]
CLS, ALPHA, BETA = 1, 2, 3
ROWS = 2 + len(WORDS)


def expected(*rows: int) -> list[float]:
    mean = table(ROWS)[list(rows)].mean(axis=0)
    vector: list[float] = (mean / np.linalg.norm(mean)).tolist()
    return vector


def configure(directory: Path, name: str, value: object) -> None:
    path = directory / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(value), "utf-8")


@pytest.mark.parametrize("location", ["model.onnx", "onnx/model.onnx"])
def test_pools_by_the_mean_of_all_tokens(tmp_path: Path, location: str) -> None:
    embedder = OnnxEmbedder(write_model(tmp_path, WORDS, location=location))
    assert embedder.model.dimensions == DIMENSIONS
    assert embedder.embed_documents(["alpha beta"])[0] == pytest.approx(expected(CLS, ALPHA, BETA), abs=1e-5)


def test_pools_by_the_first_token_where_the_model_says_so(tmp_path: Path) -> None:
    configure(tmp_path, "1_Pooling/config.json", {"pooling_mode_cls_token": True})
    embedder = OnnxEmbedder(write_model(tmp_path, WORDS))
    assert embedder.embed_documents(["alpha beta"])[0] == pytest.approx(expected(CLS), abs=1e-5)


def test_other_pooling_is_refused(tmp_path: Path) -> None:
    configure(tmp_path, "1_Pooling/config.json", {"pooling_mode_max_tokens": True})
    with pytest.raises(SettingInvalid, match="pooling_mode_max_tokens"):
        OnnxEmbedder(write_model(tmp_path, WORDS))


def test_cuts_at_the_model_s_length_but_counts_every_token(tmp_path: Path) -> None:
    configure(tmp_path, "sentence_bert_config.json", {"max_seq_length": 3})
    embedder = OnnxEmbedder(write_model(tmp_path, WORDS))
    assert embedder.embed_query("alpha beta gamma") == embedder.embed_query("alpha beta")
    assert embedder.count_tokens(["alpha beta gamma", ""]) == [3, 0]


def test_the_length_may_come_from_the_transformer_s_positions(tmp_path: Path) -> None:
    configure(tmp_path, "config.json", {"model_type": "xlm-roberta", "max_position_embeddings": 5})
    embedder = OnnxEmbedder(write_model(tmp_path, WORDS))
    assert embedder.embed_query("alpha beta gamma") == embedder.embed_query("alpha beta")


def test_prompts_of_the_model_stand_before_the_texts(tmp_path: Path) -> None:
    configure(
        tmp_path, "config_sentence_transformers.json", {"prompts": {"query": "alpha ", "passage": "beta "}}
    )
    embedder = OnnxEmbedder(write_model(tmp_path, WORDS))
    assert embedder.embed_query("beta") == pytest.approx(expected(CLS, ALPHA, BETA), abs=1e-5)
    assert embedder.embed_documents(["beta"])[0] == pytest.approx(expected(CLS, BETA, BETA), abs=1e-5)


def test_every_input_of_a_text_model_is_offered(tmp_path: Path) -> None:
    write_model(tmp_path, WORDS)
    inputs = ["input_ids", "attention_mask", "token_type_ids", "position_ids"]
    (tmp_path / "model.onnx").write_bytes(onnx_gather(ROWS, inputs))
    assert len(OnnxEmbedder(tmp_path).embed_query("alpha")) == DIMENSIONS


def test_a_model_of_something_else_is_refused(tmp_path: Path) -> None:
    write_model(tmp_path, WORDS)
    (tmp_path / "model.onnx").write_bytes(onnx_gather(ROWS, ["input_ids", "pixel_values"]))
    with pytest.raises(SettingInvalid, match="pixel_values"):
        OnnxEmbedder(tmp_path)


def test_models_in_directories_of_one_name_differ(tmp_path: Path) -> None:
    one = OnnxEmbedder(write_model(tmp_path / "one" / "model", WORDS))
    other = OnnxEmbedder(write_model(tmp_path / "other" / "model", WORDS[:2]))
    assert one.model.id != other.model.id


@pytest.mark.parametrize("missing", ["model.onnx", "tokenizer.json"])
def test_a_missing_file_is_named(tmp_path: Path, missing: str) -> None:
    (write_model(tmp_path, WORDS) / missing).unlink()
    with pytest.raises(SettingInvalid, match=missing):
        OnnxEmbedder(tmp_path)


@pytest.mark.parametrize("damaged", ["model.onnx", "tokenizer.json", "config.json"])
def test_a_damaged_file_is_named(tmp_path: Path, damaged: str) -> None:
    (write_model(tmp_path, WORDS) / damaged).write_bytes(b"not what it says")
    with pytest.raises(SettingInvalid, match=damaged):
        OnnxEmbedder(tmp_path)


@pytest.mark.parametrize("package", ["onnxruntime", "tokenizers"])
def test_without_the_extra_the_error_says_what_to_install(tmp_path: Path, package: str) -> None:
    write_model(tmp_path, WORDS)
    program = f"""
import sys
from pathlib import Path
sys.modules["{package}"] = None
from rag.adapters.local.onnx import OnnxEmbedder
from rag.errors import SettingInvalid
try:
    OnnxEmbedder(Path({str(tmp_path)!r}))
except SettingInvalid as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert package in done.stdout
    assert "pip install 'acervo[onnx]'" in done.stdout
