"""`acervo doctor --aws`: real boto3 on an account that tells what it may use."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from app.aws_checks import ENDPOINT_INSTANCES, ENGINE_VERSIONS, LEAST_CONCURRENCY, bedrock_models, checks
from app.checks import Check
from app.operations import account_checks
from rag.adapters.aws_account import AwsAccount
from tests.app.cli.commands import acervo
from tests.doubles.account_server import ARN, NUMBER, Account, account_server
from tests.doubles.bedrock_client import environment

TITAN, HAIKU = "amazon.titan-embed-text-v2:0", "anthropic.claude-haiku-5-5"
PROFILE = f"us.{HAIKU}"
PER_REQUEST = "On-demand model inference requests per minute for Amazon Titan Text Embeddings V2"
BY_TOKEN = "Cross-region model inference tokens per minute for Anthropic Claude Haiku 5.5"  # noqa: S105 - a name
GLOBALLY = "Global cross-region model inference tokens per minute for Anthropic Claude Haiku 5.5 V1"


def sound() -> Account:
    return Account(
        models={TITAN: "Titan Text Embeddings V2", HAIKU: "Claude Haiku 5.5"},
        profiles={PROFILE: ("us-east-1", "us-west-2")},
        quotas={
            "bedrock": {
                "Batch inference job size (in GB) for Titan Text Embeddings V2": 5,
                PER_REQUEST: 6_000,
                "On-demand model inference tokens per minute for Amazon Titan Text Embeddings V2": 300_000,
                BY_TOKEN: 1_000_000,
                GLOBALLY: 0,
            },
            "sagemaker": {"ml.inf2.xlarge for endpoint usage": 1, "ml.g6.xlarge for endpoint usage": 0},
        },
        engines={"postgres": ("17.8", "17.9", "18.3"), "aurora-postgresql": ("17.9",)},
    )


@dataclass(frozen=True)
class Examined:
    """The account as the server tells it, and as the same boto3 clients of all tests see it."""

    told: Account
    asked: AwsAccount

    def found(self, *models: str, instance: str | None = None) -> dict[str, Check]:
        wanted = bedrock_models(*(models or (f"bedrock:{TITAN}", f"bedrock:{PROFILE}")))
        return {check.name: check for check in checks(self.asked, wanted, instance=instance)}

    def failures(self, *, instance: str | None = None) -> dict[str, str]:
        found = self.found(instance=instance)
        return {name: check.advice for name, check in found.items() if not check.ok}


@pytest.fixture(scope="module")
def examined() -> Iterator[Examined]:
    told = sound()
    with account_server(told) as url, pytest.MonkeyPatch.context() as patch:
        for name, value in {**environment(url), "AWS_ENDPOINT_URL": url}.items():
            patch.setenv(name, value)
        yield Examined(told, AwsAccount())


@pytest.fixture
def account(examined: Examined) -> Examined:
    """Sound again."""
    vars(examined.told).update(vars(sound()))
    return examined


def test_a_sound_account_passes(account: Examined) -> None:
    told = account.found()
    assert [name for name, check in told.items() if not check.ok] == []
    assert told["credentials"].detail == f"account {NUMBER}, {ARN}"
    assert told["region"].detail == "us-east-1"
    assert told[f"quota of {TITAN}"].detail == "6,000 requests per minute; 300,000 tokens per minute"
    assert told[f"quota of {PROFILE}"].detail == "1,000,000 tokens per minute"
    assert told[f"inference profile {PROFILE}"].detail == "sends calls to us-east-1, us-west-2"
    assert told["database aurora-postgresql"].detail == "17.9 offered, 18.3 not"
    assert "1 of ml.inf2.xlarge, 0 of ml.g6.xlarge" in told["SageMaker instances"].detail


def test_the_configured_models_are_asked_for(account: Examined, monkeypatch: pytest.MonkeyPatch) -> None:
    account.told.models["cohere.embed-v4:0"] = "Embed v4"
    account.told.profiles[f"global.{HAIKU}"] = ("eu-west-1",)
    monkeypatch.setenv("ACERVO_EMBEDDING", "bedrock:cohere.embed-v4:0@1024")
    monkeypatch.setenv("ACERVO_GENERATION", "sagemaker:endpoint")
    monkeypatch.setenv("ACERVO_GENERATION_FALLBACK", f"bedrock:global.{HAIKU}")
    told = {check.name: check for check in account_checks(None)}
    assert {"model cohere.embed-v4:0", f"inference profile global.{HAIKU}"} <= told.keys()
    assert f"model {TITAN}" not in told
    assert not told[f"quota of global.{HAIKU}"].ok
    assert told["quota of cohere.embed-v4:0"].detail.startswith("Service Quotas lists none")


@pytest.mark.parametrize(
    ("lacking", "advice"),
    [
        ({"agreement": "NOT_AVAILABLE"}, "agreement"),
        ({"authorization": "NOT_AUTHORIZED"}, "bedrock:InvokeModel"),
        ({"entitlement": "NOT_AVAILABLE"}, "request it"),
        ({"region": "NOT_AVAILABLE"}, "another region"),
    ],
)
def test_what_a_model_lacks_is_told(account: Examined, lacking: dict[str, Any], advice: str) -> None:
    account.told.lacking[TITAN] = lacking
    told = account.failures()
    assert list(told) == [f"model {TITAN}"]
    assert advice in told[f"model {TITAN}"]


def test_a_profile_makes_up_for_the_region(account: Examined) -> None:
    account.told.lacking[HAIKU] = {"region": "NOT_AVAILABLE", "lifecycle": "LEGACY"}
    assert account.failures() == {}
    assert "legacy" in account.found()[f"model {HAIKU}"].detail


def test_models_and_profiles_that_are_not_there(account: Examined) -> None:
    del account.told.models[TITAN], account.told.profiles[PROFILE]
    assert set(account.failures()) == {f"model {TITAN}", f"inference profile {PROFILE}"}


def test_quotas_of_nothing_are_failures(account: Examined) -> None:
    account.told.quotas["bedrock"] |= {PER_REQUEST: 0, BY_TOKEN: 0}
    told = account.failures()
    assert "not adjustable" in told[f"quota of {TITAN}"]
    assert "Request an increase" in told[f"quota of {PROFILE}"]
    assert "L-00000003" in told[f"quota of {PROFILE}"]


def test_a_region_without_the_engine_and_a_new_accounts_functions(account: Examined) -> None:
    account.told.engines["postgres"] = ("16.1",)
    account.told.unreserved = 10
    told = account.failures()
    assert set(told) == {"database postgres", "Lambda concurrency"}
    assert "reserve_concurrency" in told["Lambda concurrency"]


def test_an_endpoint_that_is_wanted_needs_its_instance(account: Examined) -> None:
    assert account.failures(instance="ml.inf2.xlarge") == {}
    assert "Request an increase" in account.failures(instance="ml.g6.xlarge")["SageMaker instances"]
    assert not account.found(instance="ml.z9.xlarge")["SageMaker instances"].ok


@pytest.mark.parametrize(
    ("operation", "check", "action"),
    [
        ("GetFoundationModelAvailability", f"model {TITAN}", "bedrock:GetFoundationModelAvailability"),
        ("GetInferenceProfile", f"inference profile {PROFILE}", "bedrock:GetInferenceProfile"),
        ("ListServiceQuotas", f"quota of {TITAN}", "servicequotas:ListServiceQuotas"),
        ("DescribeDBEngineVersions", "database postgres", "rds:DescribeDBEngineVersions"),
        ("GetAccountSettings", "Lambda concurrency", "lambda:GetAccountSettings"),
    ],
)
def test_a_permission_that_lacks_is_named(account: Examined, operation: str, check: str, action: str) -> None:
    account.told.denied.add(operation)
    told = account.found()[check]
    assert not told.ok
    assert action in told.detail


def test_credentials_that_are_refused_end_the_checks(account: Examined) -> None:
    account.told.denied.add("GetCallerIdentity")
    assert [name for name, check in account.found().items() if not check.ok] == ["credentials"]
    assert set(account.found()) == {"credentials", "region"}


def test_the_command_says_what_to_do_and_fails(account: Examined) -> None:
    assert acervo("doctor", "--aws").code == 0
    account.told.unreserved = 10
    told = acervo("doctor", "--aws")
    assert told.code == 1
    assert "FAIL Lambda concurrency: 10 functions" in told.out
    assert "what to do: Request more" in told.out
    listed = acervo("doctor", "--aws", "--json", "--endpoint-instance", "ml.inf2.xlarge")
    assert (listed.code, listed.json["ok"]) == (1, False)
    assert [each["name"] for each in listed.json["checks"] if not each["ok"]] == ["Lambda concurrency"]


def test_the_command_without_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    told = acervo("doctor", "--aws")
    assert told.code == 1
    assert "FAIL region" in told.out
    assert "aws configure" in told.out
    assert acervo("doctor", "--endpoint-instance", "ml.inf2.xlarge").code == 2


def test_what_is_asked_for_is_what_the_stack_deploys() -> None:
    pytest.importorskip("aws_cdk", reason="needs the dependency group infra")
    from infra.connections import plan_connections  # noqa: PLC0415 - where CDK is absent
    from infra.settings import RdsSettings, parse_settings  # noqa: PLC0415 - the same

    settings = parse_settings({}, origin="the test")
    assert {*ENGINE_VERSIONS} == {*RdsSettings.model_fields["version"].annotation.__args__}  # type: ignore[union-attr]  # a Literal
    assert plan_connections(settings).api + 100 == LEAST_CONCURRENCY
    models = {settings.models.embedding, settings.models.generation}
    assert models == {f"bedrock:{TITAN}", f"bedrock:{PROFILE}"}
    assert all(each.startswith("ml.") for each in ENDPOINT_INSTANCES)
