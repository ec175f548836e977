"""The dashboard and the alarms ask for the metrics that the service sends, in its words."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from ingestion.outcome import Outcome
from rag.domain.answers import AnswerStatus
from rag.telemetry import Metric
from tests.infra.template import Template

pytest.importorskip("aws_cdk", reason="needs the dependency group infra")
from infra.metrics import METRICS, OUTCOMES, STATUSES


def test_every_metric_is_known_to_the_stack_by_its_name_unit_and_dimension() -> None:
    assert {kind.title: (kind.unit, kind.dimension) for kind in (each.value for each in Metric)} == METRICS


def test_outcomes_and_statuses_are_the_services() -> None:
    assert {*OUTCOMES} == {*Outcome, "rejected"}
    assert {*STATUSES} == {*AnswerStatus}


def test_the_dashboard_shows_every_metric(reference: Template) -> None:
    body = reference.only("AWS::CloudWatch::Dashboard")["DashboardBody"]
    parts = body["Fn::Join"][1]
    board = json.loads("".join(part if isinstance(part, str) else "x" for part in parts))
    shown = {tuple(found[:2]) for found in _metrics(board) if str(found[0]).startswith("Acervo")}
    assert shown == {("Acervo/acervo", name) for name in METRICS}


def test_functions_send_to_the_namespace_that_is_watched(reference: Template) -> None:
    for name in ("ingestion", "api", "migration"):
        variables = reference.environment(f"acervo-{name}")
        assert variables["ACERVO_METRICS_NAMESPACE"] == "Acervo/acervo"
        assert variables["ACERVO_FUNCTION_SERVICE"] == name
    alarms = reference.resources("AWS::CloudWatch::Alarm").values()
    (failed,) = [alarm for alarm in alarms if alarm["AlarmName"] == "acervo-FailedDocuments"]
    (watched,) = failed["Metrics"]
    assert watched["MetricStat"]["Metric"] == {
        "Namespace": "Acervo/acervo",
        "MetricName": "Documents",
        "Dimensions": [{"Name": "Outcome", "Value": "failed"}],
    }


def _metrics(board: Any) -> Iterator[list[Any]]:
    """[namespace, name, …] of every graph."""
    for widget in board["widgets"]:
        yield from (found for found in widget["properties"].get("metrics", []) if isinstance(found[0], str))
