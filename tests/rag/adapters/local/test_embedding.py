"""Which embedder a setting names."""

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from rag.adapters.local.embedding import build_embedder
from rag.errors import SettingInvalid
from rag.settings import EmbeddingSettings
from tests.doubles.embeddings_server import API_KEY, DIMENSIONS, embeddings_server
from tests.doubles.onnx_model import write_model


def test_the_bundled_model() -> None:
    assert build_embedder(EmbeddingSettings(embedding="wordllama")).model.id == "wordllama-l2-supercat-256"


def test_a_model_directory(tmp_path: Path) -> None:
    directory = write_model(tmp_path / "tiny: model", ["word"])
    embedder = build_embedder(EmbeddingSettings(embedding=f"onnx:{directory}"))
    assert embedder.model.id.startswith("tiny: model-")


def test_a_server_and_its_key() -> None:
    with embeddings_server() as server:
        settings = EmbeddingSettings(
            embedding=f"openai:{server.base_url}#some/model", embedding_api_key=SecretStr(API_KEY)
        )
        model = build_embedder(settings).model
    assert (model.id, model.dimensions) == ("some/model", DIMENSIONS)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "word2vec",
        "wordllama:large",
        "onnx",
        "onnx:",
        "onnx:/no/such/directory",
        "openai:",
        "openai:#model",
        "openai:http://localhost/v1",
        "openai:http://localhost/v1#",
        "openai:localhost/v1#model",
    ],
)
def test_anything_else_is_refused_by_the_setting_s_name(value: str) -> None:
    with pytest.raises(SettingInvalid, match="ACERVO_EMBEDDING"):
        build_embedder(EmbeddingSettings(embedding=value))


def test_importing_the_table_imports_no_model_library() -> None:
    heavy = ["numpy", "onnxruntime", "tokenizers", "safetensors", "wordllama", "httpx"]
    program = f"import sys, rag.adapters.local.embedding; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
