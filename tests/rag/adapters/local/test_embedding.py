"""Which embedder a setting names."""

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from pydantic import SecretStr

from rag.adapters.bedrock.embedder import BedrockEmbedder
from rag.adapters.local.embedding import build_embedder
from rag.adapters.sagemaker.embedder import SageMakerEmbedder
from rag.errors import SettingInvalid
from rag.settings import EmbeddingSettings
from tests.doubles.bedrock_client import environment
from tests.doubles.bedrock_server import bedrock_server
from tests.doubles.embeddings_server import API_KEY, DIMENSIONS, embeddings_server
from tests.doubles.model_clients import environment_of
from tests.doubles.onnx_model import write_model
from tests.doubles.sagemaker_server import sagemaker_server
from tests.doubles.sagemaker_tei import DIMENSIONS as TEI_DIMENSIONS


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


def test_a_model_of_bedrock(monkeypatch: pytest.MonkeyPatch) -> None:
    with bedrock_server() as server:
        for name, value in environment(server.url).items():
            monkeypatch.setenv(name, value)
        settings = EmbeddingSettings(
            embedding="bedrock:amazon.titan-embed-text-v2:0@256", embedding_requests_per_minute=60_000
        )
        embedder = build_embedder(settings)
        assert isinstance(embedder, BedrockEmbedder)
        with closing(embedder):
            assert len(embedder.embed_query("text")) == 256
    assert (embedder.model.id, embedder.model.dimensions) == ("amazon.titan-embed-text-v2:0", 256)


def test_an_endpoint_of_sagemaker(monkeypatch: pytest.MonkeyPatch) -> None:
    with sagemaker_server() as server:
        for name, value in environment_of(server, "sagemaker-runtime").items():
            monkeypatch.setenv(name, value)
        embedder = build_embedder(EmbeddingSettings(embedding="sagemaker:embed/component#bge-m3"))
        assert isinstance(embedder, SageMakerEmbedder)
        with closing(embedder):
            assert (embedder.model.id, embedder.model.dimensions) == ("bge-m3", TEI_DIMENSIONS)


@pytest.mark.parametrize("setting", ["bedrock:amazon.titan-embed-text-v2:0", "sagemaker:embed"])
def test_without_boto3_the_error_says_what_to_install(setting: str) -> None:
    program = (
        "import sys; sys.modules['boto3'] = None\n"
        "from rag.adapters.local.embedding import build_embedder\n"
        "from rag.settings import EmbeddingSettings\n"
        f"build_embedder(EmbeddingSettings(embedding={setting!r}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "SettingInvalid: ACERVO_EMBEDDING" in done.stderr
    assert "pip install 'acervo[aws]'" in done.stderr


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
        "bedrock",
        "bedrock:amazon.titan-embed-text-v1",
        "bedrock:amazon.titan-embed-text-v2:0@",
        "bedrock:amazon.titan-embed-text-v2:0@384",
        "bedrock:amazon.titan-embed-text-v2:0@many",
        "sagemaker",
        "sagemaker:/component",
        "sagemaker:endpoint/#model",
    ],
)
def test_anything_else_is_refused_by_the_setting_s_name(value: str) -> None:
    with pytest.raises(SettingInvalid, match="ACERVO_EMBEDDING"):
        build_embedder(EmbeddingSettings(embedding=value))


def test_importing_the_table_imports_no_model_library() -> None:
    heavy = ["numpy", "onnxruntime", "tokenizers", "safetensors", "wordllama", "httpx", "boto3", "botocore"]
    program = f"import sys, rag.adapters.local.embedding; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
