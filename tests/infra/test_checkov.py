"""Findings of checkov are accepted one by one; `make checkov` runs it."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("yaml", reason="needs the dependency group infra")
from infra.checkov import ACCEPTED, CHECKOV, CheckovFailed, Finding, accepted, findings
from tests.infra.conftest import Synthesized


def report(*failed: tuple[str, str]) -> dict[str, object]:
    """As checkov 3.3.30 writes it."""
    checks = [
        {"check_id": check, "resource": resource, "check_name": f"Ensure {check}"}
        for check, resource in failed
    ]
    return {
        "check_type": "cloudformation",
        "results": {"failed_checks": checks},
        "summary": {"failed": len(checks), "parsing_errors": 0},
    }


def test_a_finding_is_known_by_its_construct() -> None:
    (found,) = findings(report(("CKV_AWS_27", "AWS::SQS::Queue.QueuesDocumentsDFE05FC6")))
    assert found == Finding(check="CKV_AWS_27", construct="QueuesDocuments", name="Ensure CKV_AWS_27")


def test_a_template_that_was_not_read_is_no_success() -> None:
    nothing = {"passed": 0, "failed": 0, "skipped": 0, "parsing_errors": 0, "resource_count": 0}
    with pytest.raises(CheckovFailed):
        list(findings(nothing))


def test_every_accepted_finding_has_a_reason() -> None:
    assert ("CKV_AWS_27", "QueuesDocuments") in accepted(ACCEPTED.read_text(encoding="utf-8"))
    with pytest.raises(ValueError, match="CKV_AWS_1"):
        accepted("CKV_AWS_1: {constructs: [A], reason: ''}")


def test_a_careless_resource_is_found_beside_what_is_accepted(
    synthesized: Synthesized, tmp_path: Path
) -> None:
    uv = str(Path(sys.executable).with_name("uv"))
    cached = [uv, "tool", "run", "--offline", CHECKOV, "--version"]
    if not Path(uv).exists() or subprocess.run(cached, capture_output=True, check=False).returncode:
        pytest.skip("checkov is not in uv's cache (make checkov fetches it)")
    careless = json.loads(synthesized("streaming").path.read_text(encoding="utf-8"))
    careless["Resources"]["Careless0A1B2C3D"] = {"Type": "AWS::S3::Bucket", "Properties": {}}
    path = tmp_path / "careless.template.json"
    path.write_text(json.dumps(careless), encoding="utf-8")
    shutil.copy(synthesized("everything").path, tmp_path / "everything.template.json")
    command = [sys.executable, "-m", "infra.checkov", *map(str, sorted(tmp_path.iterdir()))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    *new, counted = done.stdout.splitlines()
    assert done.returncode == 1
    assert new
    assert all(line.split()[1] == "Careless:" for line in new)
    assert "accepted by checkov.yaml" in counted
