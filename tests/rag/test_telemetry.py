"""What a record becomes on AWS, and that nothing is measured elsewhere."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.errors import ModelResponseInvalid, SettingInvalid
from rag.telemetry import Metric, bound, configure_logging, configure_structured_logging, logger, measure
from rag.telemetry.logs import JsonFormatter
from tests.doubles.logging_state import logging_as_before

QUESTION = "a question of somebody's"


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    with logging_as_before():
        yield


def written(capture: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capture.readouterr().err.splitlines()]


def test_local_mode_is_readable_and_measures_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging()
    with bound(request_id="req_1"):
        logger.warning("The write path waits: %s", SettingInvalid("no region"))
        measure({Metric.DOCUMENTS: 1}, "ready")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("WARNING The write path waits: no region")


def test_ids_are_those_of_the_work_in_hand(capsys: pytest.CaptureFixture[str]) -> None:
    configure_structured_logging(service="api", namespace="Acervo/library")
    with bound(request_id="req_1", tenant=""):
        with bound(tenant="acme", document_id="doc_1"):
            logger.info("inner")
        logger.info("outer")
    inner, outer = written(capsys)
    assert (inner["request_id"], inner["tenant"], inner["document_id"]) == ("req_1", "acme", "doc_1")
    assert (outer["request_id"], outer["service"]) == ("req_1", "api")
    assert not {"tenant", "document_id"} & outer.keys()


def test_metrics_are_of_the_embedded_format(capsys: pytest.CaptureFixture[str]) -> None:
    configure_structured_logging(service="api", namespace="Acervo/library")
    with bound(request_id="req_1"):
        measure({Metric.ANSWERS: 1, Metric.ANSWER_TOTAL: 41.5}, "refused")
    (document,) = written(capsys)
    assert [
        (each["Namespace"], each["Dimensions"], each["Metrics"])
        for each in document["_aws"]["CloudWatchMetrics"]
    ] == [
        ("Acervo/library", [["Status"]], [{"Name": "Answers", "Unit": "Count"}]),
        ("Acervo/library", [[]], [{"Name": "AnswerTotal", "Unit": "Milliseconds"}]),
    ]
    assert (document["Answers"], document["AnswerTotal"], document["Status"]) == (1, 41.5, "refused")
    assert document["request_id"] == "req_1"


def fail() -> None:
    nothing: dict[str, str] = {}
    try:
        nothing[QUESTION]
    except KeyError as error:
        raise ModelResponseInvalid(QUESTION) from error


def test_exceptions_are_told_by_kind_and_place(capsys: pytest.CaptureFixture[str]) -> None:
    configure_structured_logging(service="api", namespace="Acervo")
    try:
        fail()
    except ModelResponseInvalid:
        logger.exception("request %s failed", "req_1")
    logging.getLogger("somebody.else").warning("cannot: %s", ValueError(QUESTION))
    logger.warning("cannot: %s", SettingInvalid("ACERVO_BUCKET is not set"))
    ours, theirs, setting = written(capsys)
    assert [each["detail"] for each in ours["exception"]] == ["model_response_invalid", "KeyError"]
    assert [each["type"] for each in ours["exception"]] == [
        "rag.errors.ModelResponseInvalid",
        "builtins.KeyError",
    ]
    assert "test_telemetry.py" in ours["exception"][0]["at"][-1]
    assert (theirs["logger"], theirs["message"]) == ("somebody.else", "cannot: ValueError")
    assert setting["message"] == "cannot: ACERVO_BUCKET is not set"
    assert QUESTION not in json.dumps([ours, theirs, setting])


@given(message=st.text(), ids=st.dictionaries(st.sampled_from(["request_id", "tenant"]), st.text()))
def test_every_record_is_one_line_of_json(message: str, ids: dict[str, str]) -> None:
    record = logging.LogRecord("acervo", logging.INFO, "a.py", 1, "%s", (message,), None)
    with bound(**ids):
        line = JsonFormatter("api").format(record)
    assert "\n" not in line
    assert json.loads(line)["message"] == message
