"""Which reranker a setting builds."""

import subprocess
import sys
from contextlib import closing

import pytest
from pydantic import SecretStr

from rag.adapters.bedrock.rerank import BedrockReranker
from rag.adapters.local.rerank import HttpReranker
from rag.adapters.local.reranking import build_reranker
from rag.adapters.sagemaker.rerank import SageMakerReranker
from rag.errors import SettingInvalid
from rag.settings import RerankingSettings
from tests.doubles.bedrock_client import environment
from tests.doubles.embeddings_server import API_KEY
from tests.doubles.passages import passage
from tests.doubles.rerank_server import rerank_server


def test_none_unless_asked_for() -> None:
    assert build_reranker(RerankingSettings(reranking="")) is None


@pytest.mark.parametrize("setting", ["openai:{url}/v1#words", "tei:{url}"])
def test_a_server_and_its_key(setting: str) -> None:
    with rerank_server() as server:
        built = build_reranker(
            RerankingSettings(reranking=setting.format(url=server.url), reranking_api_key=SecretStr(API_KEY))
        )
        assert isinstance(built, HttpReranker)
        with closing(built):
            assert len(built.rerank("one", [passage("one two")])) == 1


@pytest.mark.parametrize(
    ("setting", "kind", "model_id"),
    [
        ("bedrock:cohere.rerank-v3-5:0", BedrockReranker, "cohere.rerank-v3-5:0"),
        ("sagemaker:my-reranker", SageMakerReranker, "my-reranker"),
        ("sagemaker:shared/reranker#bge-reranker-v2-m3", SageMakerReranker, "bge-reranker-v2-m3"),
    ],
)
def test_models_on_aws(
    monkeypatch: pytest.MonkeyPatch, setting: str, kind: type[object], model_id: str
) -> None:
    for name, value in environment("http://127.0.0.1:9").items():
        monkeypatch.setenv(name, value)
    built = build_reranker(RerankingSettings(reranking=setting))
    assert isinstance(built, kind)
    assert built is not None
    assert built.model_id == model_id


@pytest.mark.parametrize(
    "setting",
    [
        "cohere",
        "bedrock",
        "openai",
        "openai:http://x",
        "openai:x#m",
        "tei",
        "tei:x",
        "sagemaker:",
        "sagemaker:a/",
    ],
)
def test_anything_else_is_refused_by_the_setting_s_name(setting: str) -> None:
    with pytest.raises(SettingInvalid, match="ACERVO_RERANKING"):
        build_reranker(RerankingSettings(reranking=setting))


@pytest.mark.parametrize("setting", ["bedrock:amazon.rerank-v1:0", "sagemaker:e"])
def test_without_boto3_the_error_says_what_to_install(setting: str) -> None:
    program = (
        "import sys; sys.modules['boto3'] = None\n"
        "from rag.adapters.local.reranking import build_reranker\n"
        "from rag.settings import RerankingSettings\n"
        f"build_reranker(RerankingSettings(reranking={setting!r}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "SettingInvalid: ACERVO_RERANKING" in done.stderr
    assert "pip install 'acervo[aws]'" in done.stderr
