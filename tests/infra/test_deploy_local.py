"""What makes the stack on this machine of the one on AWS: the listed differences, and nothing else."""

import hashlib
import json
import re
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from infra.bundles.errors import ToolMissing
from infra.bundles.packages import find_python
from infra.local.differences import DIFFERENCES, Surroundings, transform
from infra.local.functions import prepare_functions, replace_text
from tests.infra.conftest import Synthesized
from tests.infra.template import Template, listed

HERE = Surroundings(
    aws="http://127.0.0.1:4566",
    bedrock="http://127.0.0.1:4567",
    socket_directory="/tmp/a socket",  # noqa: S108 - nothing is written there
    password="p@ss",  # noqa: S106 - of no server
)
COMBINATIONS = ["reference", "aurora", "nat", "everything"]
CHANGED = {"AWS::Lambda::Function", "AWS::SQS::Queue", "AWS::CloudWatch::Alarm"}
LEFT_OUT = {"AWS::EC2::FlowLog", "AWS::EC2::SecurityGroupEgress", "AWS::EC2::SecurityGroupIngress"}


def transformed(template: Template) -> dict[str, Any]:
    content = deepcopy(dict(template.content))
    transform(content, HERE)
    return content


def references(value: Any) -> Iterator[str]:
    match value:
        case {"Ref": str(name)}:
            yield name
        case {"Fn::GetAtt": [str(name), *_]}:
            yield name
        case dict():
            for each in value.values():
                yield from references(each)
        case list():
            for each in value:
                yield from references(each)


@pytest.mark.parametrize("name", COMBINATIONS)
def test_only_what_is_listed_differs(synthesized: Synthesized, name: str) -> None:
    before = synthesized(name).content["Resources"]
    after = transformed(synthesized(name))["Resources"]
    assert {before[id_]["Type"] for id_ in before.keys() - after.keys()} <= LEFT_OUT
    assert not after.keys() - before.keys()
    for id_, resource in after.items():
        if resource["Type"] not in CHANGED:
            assert resource.get("Properties") == before[id_].get("Properties")


@pytest.mark.parametrize("name", COMBINATIONS)
def test_nothing_refers_to_what_is_left_out(synthesized: Synthesized, name: str) -> None:
    content = transformed(synthesized(name))
    known = content["Resources"].keys() | content.get("Parameters", {}).keys()
    waited = {id_ for each in content["Resources"].values() for id_ in listed(each.get("DependsOn", []))}
    assert {each for each in references(content) if not each.startswith("AWS::")} | waited <= known


def test_every_difference_has_an_effect(reference: Template) -> None:
    content = deepcopy(dict(reference.content))
    for difference in DIFFERENCES:
        before = deepcopy(content)
        difference.apply(content, HERE)
        assert content != before, difference.what


def test_each_function_logs_in_as_its_own_user(reference: Template) -> None:
    functions = Template(reference.path, transformed(reference))
    users = {name: functions.environment(f"acervo-{name}") for name in ("ingestion", "api", "migration")}
    host = "@/acervo?host=%2Ftmp%2Fa%20socket"
    assert {name: variables["DATABASE_URL"] for name, variables in users.items()} == {
        "ingestion": f"postgresql://acervo_service:p%40ss{host}",
        "api": f"postgresql://acervo_service:p%40ss{host}",
        "migration": f"postgresql://acervo_owner:p%40ss{host}",
    }
    assert {variables["ACERVO_DATABASE_LOGIN"] for variables in users.values()} == {"password"}


def test_nothing_is_called_outside_this_machine(reference: Template) -> None:
    functions = Template(reference.path, transformed(reference)).resources("AWS::Lambda::Function").values()
    ours = [each for each in functions if each["Runtime"] == "provided.al2023"]
    endpoints = {
        value
        for function in ours
        for name, value in function["Environment"]["Variables"].items()
        if name.startswith("AWS_ENDPOINT_URL")
    }
    assert len(ours) == 3
    assert endpoints == {HERE.aws, HERE.bedrock}


def test_an_alarm_that_reckons_is_refused() -> None:
    metrics = [{"Id": "m1", "MetricStat": {}}, {"Id": "e1", "Expression": "m1 / 2"}]
    alarm = {"Type": "AWS::CloudWatch::Alarm", "Properties": {"AlarmName": "Share", "Metrics": metrics}}
    with pytest.raises(ValueError, match="Share reckons"):
        transform({"Resources": {"Alarm": alarm}}, HERE)


def test_the_rewritten_template_goes_by_its_own_digest(tmp_path: Path) -> None:
    pytest.importorskip("aws_cdk", reason="needs the dependency group infra")
    from infra.local.assembly import rewrite  # noqa: PLC0415 - where CDK is absent, the rest must be found

    old = "0" * 64
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": 1800}}
    template = tmp_path / "acervo.template.json"
    template.write_text(json.dumps({"Resources": {"Queue": queue}}), encoding="utf-8")
    files = {old: {"source": {"path": template.name}, "key": f"{old}.json"}}
    (tmp_path / "acervo.assets.json").write_text(json.dumps({"files": files}), encoding="utf-8")
    (tmp_path / "manifest.json").write_text(json.dumps({"url": f"s3://bucket/{old}.json"}), encoding="utf-8")
    rewrite(template, HERE)
    new = hashlib.sha256(template.read_bytes()).hexdigest()
    named = [each.read_text(encoding="utf-8") for each in tmp_path.glob("*") if each != template]
    assert all(set(re.findall(r"[0-9a-f]{64}", text)) == {new} for text in named)


@pytest.fixture
def twins(tmp_path: Path) -> Path:
    for name in ("ingestion", "api", "migration"):
        folder = tmp_path / "twins" / name / "rag"
        folder.mkdir(parents=True)
        (folder / "sizes.py").write_text("SIZE = 400\n", encoding="utf-8")
    return tmp_path / "twins"


@pytest.mark.usefixtures("lambda_python")
def test_another_release_leaves_the_bundles_as_they_are(twins: Path, tmp_path: Path) -> None:
    def change(folder: Path) -> None:
        replace_text(folder, Path("rag/sizes.py"), "400", "250")

    made = prepare_functions(twins, tmp_path / "runtime", tmp_path / "functions", change=change)
    for name in ("ingestion", "api", "migration"):
        assert (made / name / "rag" / "sizes.py").read_text() == "SIZE = 250\n"
        assert list((made / name / "rag" / "__pycache__").glob("sizes.*.pyc"))
        assert (twins / name / "rag" / "sizes.py").read_text() == "SIZE = 400\n"
        assert not (twins / name / "bootstrap").exists()
        assert (made / name / "bootstrap").stat().st_mode & 0o111


def test_a_release_that_changes_nothing_is_refused(twins: Path) -> None:
    with pytest.raises(ValueError, match="stands there 0 times"):
        replace_text(twins / "api", Path("rag/sizes.py"), "300", "250")


@pytest.fixture
def lambda_python() -> None:
    try:
        find_python()
    except ToolMissing as error:
        pytest.skip(str(error))
