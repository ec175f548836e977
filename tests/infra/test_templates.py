"""Every combination: linted, checked, least privilege, protected data."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.infra.combinations import COMBINATIONS
from tests.infra.conftest import Synthesized
from tests.infra.template import Template, listed, text

FUNCTIONS = ("acervo-ingestion", "acervo-api", "acervo-migration")
REPOSITORY = Path(__file__).parents[2]
# Actions that name no resource, by AWS's own tables or because it does not exist yet.
WITHOUT_RESOURCE = {
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
    "bedrock:Rerank",
    "textract:DetectDocumentText",
    "bedrock:InvokeGuardrailChecks",
    "ecr:GetAuthorizationToken",
    "cloudwatch:PutMetricData",
    "kinesis:ListShards",
}


@pytest.fixture(params=sorted(COMBINATIONS))
def template(request: pytest.FixtureRequest, synthesized: Synthesized) -> Template:
    """Synthesis ends in an error where cdk-nag has a finding that is not acknowledged."""
    return synthesized(request.param)


def test_cfn_lint_finds_no_error(template: Template) -> None:
    pytest.importorskip("cfnlint", reason="needs cfn-lint")
    lint = Path(sys.executable).with_name("cfn-lint")
    command = [str(lint), "--non-zero-exit-code", "error", str(template.path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_cdk_nag_finds_nothing_without_a_reason(template: Template) -> None:
    """Errors have ended the synthesis already; warnings stand in the report."""
    report = json.loads((template.path.parent / "validation-report.json").read_text(encoding="utf-8"))
    assert [found for plugin in report["pluginReports"] for found in plugin["violations"]] == []


def test_a_finding_without_a_reason_ends_the_synthesis(synthesized: Synthesized, tmp_path: Path) -> None:
    synthesized("reference")  # skips where CDK is absent
    from aws_cdk import App, aws_s3  # noqa: PLC0415 - the same

    from infra.app import build, bundles_of, settings_of  # noqa: PLC0415 - the same

    app = App(outdir=str(tmp_path))
    stack = build(app, settings=settings_of(None), bundles=bundles_of("placeholder"))
    aws_s3.Bucket(stack, "Careless")
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app.synth()
    assert "AwsSolutions-S10" in (tmp_path / "validation-report.json").read_text(encoding="utf-8")


def test_no_policy_allows_everything(template: Template) -> None:
    for statement in _allowing(template):
        actions = listed(statement["Action"])
        assert not [action for action in actions if action == "*" or action.endswith(":*")]
        if "*" in listed(statement["Resource"]):
            assert set(actions) <= WITHOUT_RESOURCE


def test_functions_may_call_configured_models_only(template: Template) -> None:
    for name in FUNCTIONS:
        named = template.allowed(name, "bedrock:InvokeModel")
        assert not [arn for arn in named if arn.endswith(("*", "/"))]
    assert template.allowed("acervo-migration", "bedrock:InvokeModel") == []
    assert template.allowed("acervo-ingestion", "bedrock:InvokeModelWithResponseStream") == []


def test_data_is_protected(template: Template) -> None:
    databases = template.resources("AWS::RDS::DBInstance") | template.resources("AWS::RDS::DBCluster")
    stores = [found for found in databases.values() if "StorageEncrypted" in found]
    (database,) = stores
    assert database["StorageEncrypted"] is True
    assert database["DeletionProtection"] is True
    assert database["EnableIAMDatabaseAuthentication"] is True
    assert database["BackupRetentionPeriod"] == 7
    bucket = template.only("AWS::S3::Bucket")
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["BucketEncryption"]
    for type_ in ("AWS::S3::Bucket", "AWS::RDS::DBInstance", "AWS::RDS::DBCluster"):
        for resource in template.content["Resources"].values():
            if resource["Type"] == type_ and "DBClusterIdentifier" not in resource.get("Properties", {}):
                assert resource["DeletionPolicy"] in {"Retain", "Snapshot"}


def test_everything_goes_over_tls(template: Template) -> None:
    groups = template.resources("AWS::RDS::DBParameterGroup") | template.resources(
        "AWS::RDS::DBClusterParameterGroup"
    )
    (group,) = groups.values()
    assert group["Parameters"]["rds.force_ssl"] == "1"
    policies = [*template.resources("AWS::S3::BucketPolicy").values()]
    policies += template.resources("AWS::SQS::QueuePolicy").values()
    policies += template.resources("AWS::SNS::TopicPolicy").values()
    assert len(policies) >= 4
    for policy in policies:
        conditions = [found.get("Condition") for found in policy["PolicyDocument"]["Statement"]]
        assert {"Bool": {"aws:SecureTransport": "false"}} in conditions


def test_the_database_is_reached_by_the_functions_alone(template: Template) -> None:
    ingress = [
        rule
        for rule in template.resources("AWS::EC2::SecurityGroupIngress").values()
        if rule["ToPort"] == 5432
    ]
    assert len(ingress) == 1
    assert "Functions" in text(ingress[0]["SourceSecurityGroupId"])
    for instance in template.resources("AWS::RDS::DBInstance").values():
        assert instance["PubliclyAccessible"] is False


def test_functions_start_with_what_their_bundles_hold(template: Template) -> None:
    for name in FUNCTIONS:
        function = template.function(name)
        assert function["Runtime"] == "python3.13"
        assert function["Architectures"] == ["arm64"]
        assert function["TracingConfig"] == {"Mode": "Active"}
        assert function["VpcConfig"]["SubnetIds"]
    assert template.function("acervo-ingestion")["Handler"] == "ingestion.lambda_handler.handler"
    assert template.function("acervo-migration")["Handler"] == "rag.migration_handler.handler"


def test_environment_holds_no_password_but_the_first(template: Template) -> None:
    for name in FUNCTIONS:
        variables = template.environment(name)
        assert "sslmode=verify-full" in text(variables["DATABASE_URL"])
        secret = [key for key, value in variables.items() if "resolve:secretsmanager" in text(value)]
        assert secret == (["ACERVO_DATABASE_FIRST_PASSWORD"] if name == "acervo-migration" else [])


def test_the_code_may_not_do_what_lambda_needs_for_it(template: Template) -> None:
    for name in FUNCTIONS:
        (denied,) = [found for found in template.statements(name) if found["Effect"] == "Deny"]
        assert "ec2:CreateNetworkInterface" in denied["Action"]
        condition = denied["Condition"]["ArnEquals"]["lambda:SourceFunctionArn"]
        assert text(condition).endswith(f":function:{name}")


def test_functions_wait_for_the_schema_and_their_permissions(template: Template) -> None:
    resources = template.content["Resources"]
    for name in ("acervo-ingestion", "acervo-api"):
        (function,) = [
            found for found in resources.values() if found.get("Properties", {}).get("FunctionName") == name
        ]
        waited = {resources[other]["Type"] for other in function["DependsOn"]}
        assert waited >= {"Custom::AcervoSchema", "AWS::IAM::Policy"}


def test_the_template_synthesizes_by_command_in_time(tmp_path: Path) -> None:
    pytest.importorskip("aws_cdk", reason="needs the dependency group infra")
    began = time.monotonic()
    command = [sys.executable, "-m", "infra.synth", "--bundles", "placeholder", "--output", str(tmp_path)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).is_file()
    assert time.monotonic() - began < 60


def test_bundles_that_are_missing_are_named(tmp_path: Path) -> None:
    pytest.importorskip("aws_cdk", reason="needs the dependency group infra")
    command = [sys.executable, "-m", "infra.synth", "--bundles", str(tmp_path)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"{tmp_path}/ingestion" in done.stderr
    assert "Traceback" not in done.stderr


def _allowing(template: Template) -> Iterator[Any]:
    for policy in template.resources("AWS::IAM::Policy").values():
        for statement in policy["PolicyDocument"]["Statement"]:
            if statement["Effect"] == "Allow":
                yield statement
