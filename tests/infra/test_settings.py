import json
from pathlib import Path
from typing import Any

import pytest
from boto3.session import Session
from hypothesis import given
from hypothesis import strategies as st

from infra.connections import PER_FUNCTION, RESERVED, plan_connections
from infra.endpoints import called_services
from infra.errors import DeploymentSettingsInvalid
from infra.models import ModelReference
from infra.settings import (
    INSTANCE_MEMORY,
    TEXTRACT_REGIONS,
    DeploymentSettings,
    parse_settings,
    read_settings,
)
from tests.infra.combinations import COMBINATIONS


def settings(**values: Any) -> DeploymentSettings:
    return parse_settings(values, origin="the test")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"databse": {}}, "databse"),
        ({"database": {"kind": "mysql"}}, "database"),
        ({"database": {"kind": "rds", "instance": "t4g.nano"}}, "t4g.micro"),
        ({"database": {"kind": "aurora", "min_capacity": 4, "max_capacity": 2}}, "max_capacity"),
        ({"network": {"endpoint_zones": 3}}, "endpoint_zones"),
        ({"region": "Frankfurt"}, "region"),
        ({"region": "eu-west-1"}, "us.anthropic.claude-haiku-5-5 cannot be called from eu-west-1"),
        ({"models": {"embedding": "titan"}}, "models.embedding"),
        ({"ingestion": {"ocr": "tesseract"}}, "ingestion.ocr"),
        (
            {
                "region": "sa-east-1",
                "models": {"generation": "bedrock:global.anthropic.claude-haiku-5-5"},
                "ingestion": {"ocr": "textract"},
            },
            "Textract is not in sa-east-1",
        ),
        ({"models": {"generation": "openai:https://models.example.com#m"}}, "network.nat"),
        ({"models": {"guardrail": "abc123"}}, "models.guardrail"),
        ({"tokens": {"issuer": "https://i", "audience": "a"}}, "jwks"),
        (
            {"tokens": {"issuer": "https://i", "audience": "a", "jwks_url": "https://i/keys"}},
            "network.nat",
        ),
        ({"api": {"cors_origins": ["https://app.example.com/"]}}, "api.cors_origins"),
        ({"sagemaker": {"kind": "inferentia2", "model": "m/n", "instance": "ml.g6.xlarge"}}, "ml.inf2."),
        ({"environment": {"PATH": "/tmp"}}, "environment"),  # noqa: S108 - no file is written
        ({"name": "Acervo!"}, "name"),
    ],
)
def test_a_wrong_setting_is_named(values: dict[str, Any], said: str) -> None:
    with pytest.raises(DeploymentSettingsInvalid, match=said.replace(".", r"\.")):
        settings(**values)


@pytest.mark.parametrize("name", COMBINATIONS)
def test_combinations_are_settings(name: str) -> None:
    assert settings(**COMBINATIONS[name]).name == "acervo"


def test_textract_is_where_botocore_lists_it() -> None:
    assert set(Session().get_available_regions("textract")) == TEXTRACT_REGIONS


def test_off_is_a_word_also_where_yaml_reads_it_as_false(tmp_path: Path) -> None:
    path = tmp_path / "production.yaml"
    path.write_text("models: {guard: off}\n", encoding="utf-8")
    assert read_settings(path).models.guard == "off"


def test_settings_are_read_from_yaml(tmp_path: Path) -> None:
    path = tmp_path / "production.yaml"
    path.write_text("name: library\nstream:\n  enabled: false\n", encoding="utf-8")
    assert read_settings(path) == settings(name="library", stream={"enabled": False})


@pytest.mark.parametrize("content", ["- a list", "name: [", json.dumps({"name": 7})])
def test_an_unusable_file_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "production.yaml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DeploymentSettingsInvalid, match=r"production\.yaml"):
        read_settings(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DeploymentSettingsInvalid, match=r"nothing\.yaml"):
        read_settings(tmp_path / "nothing.yaml")


@pytest.mark.parametrize(
    ("reference", "name", "geography", "foundation_model"),
    [
        ("bedrock:amazon.titan-embed-text-v2:0@512", "amazon.titan-embed-text-v2:0", None, None),
        ("bedrock:us.anthropic.claude-haiku-5-5", None, "us", "anthropic.claude-haiku-5-5"),
        ("bedrock:global.anthropic.claude-opus-5-5", None, "global", "anthropic.claude-opus-5-5"),
        ("sagemaker:vectors/bge#bge-m3", "vectors/bge", None, None),
        ("extractive", "", None, None),
    ],
)
def test_model_references(
    reference: str, name: str | None, geography: str | None, foundation_model: str | None
) -> None:
    found = ModelReference.parse(reference)
    assert found.geography == geography
    assert name is None or found.name == name
    assert foundation_model is None or found.foundation_model == foundation_model


def test_endpoints_follow_from_what_is_called() -> None:
    assert called_services(settings()) == ("bedrock-runtime",)
    everything = settings(**COMBINATIONS["everything"])
    assert called_services(everything) == (
        "bedrock-runtime",
        "bedrock-agent-runtime",
        "textract",
        "sagemaker.runtime",
    )
    own = {"embedding": "sagemaker:vectors", "generation": "sagemaker:chat"}
    assert called_services(settings(models=own)) == ("sagemaker.runtime",)


@given(
    instance=st.sampled_from(sorted(INSTANCE_MEMORY)),
    share=st.floats(min_value=0.01, max_value=0.99),
    shards=st.integers(min_value=0, max_value=200),
    batches=st.integers(min_value=1, max_value=10),
)
def test_functions_never_need_more_connections_than_there_are(
    instance: str, share: float, shards: int, batches: int
) -> None:
    chosen = settings(
        database={"kind": "rds", "instance": instance},
        ingestion={"connection_share": share},
        stream={"enabled": shards > 0, "shards": max(shards, 1), "batches_per_shard": batches},
    )
    try:
        plan = plan_connections(chosen)
    except DeploymentSettingsInvalid:
        return
    needed = PER_FUNCTION * (plan.queue + plan.stream + plan.api)
    assert needed + RESERVED <= plan.max_connections
    assert 2 <= plan.queue <= 1000
    assert plan.api >= 1
    assert plan.stream == shards * batches


def test_a_database_too_small_for_the_shards_is_refused() -> None:
    with pytest.raises(DeploymentSettingsInvalid, match="larger database"):
        plan_connections(settings(stream={"shards": 20}))
