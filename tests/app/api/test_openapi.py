"""The published document: complete, and true as far as generated requests can tell."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import SearchStrategy
from pydantic import BaseModel
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.generation import GenerationMode

from app.api import examples
from app.api.main import create_app
from app.auth import Anonymous
from app.schemas import answers, collections, common, documents, generations, search, uploads
from rag.settings import ServerSettings
from tests.app.api.serving import MAX_DOCUMENT_BYTES, Api

load_all_checks()

# What a schema cannot say of a request: how deep a filter is, how many bytes a key has.
BEYOND_SCHEMAS = {"/filter", "/key"}


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", operation


def test_every_operation_is_described(api: Api) -> None:
    document = api.client.get("/openapi.json").json()
    names = [operation["operationId"] for _, operation in operations(document)]
    assert len(names) == len(set(names))
    for label, operation in operations(document):
        assert operation["summary"], label
        assert operation["description"], label
        assert {"422", "500", "503"} <= operation["responses"].keys(), label
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                assert response["content"].keys() == {"application/problem+json"}, label
            elif status != "204":
                assert all("example" in content for content in response["content"].values()), label


def test_references_lead_somewhere(api: Api) -> None:
    document = api.client.get("/openapi.json").json()

    def references(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            if isinstance(value.get("$ref"), str):
                yield value["$ref"]
            for item in value.values():
                yield from references(item)
        elif isinstance(value, list):
            for item in value:
                yield from references(item)

    schemas = document["components"]["schemas"]
    for reference in references(document):
        assert reference.removeprefix("#/components/schemas/") in schemas


@pytest.mark.parametrize(
    ("model", "example"),
    [
        (collections.Collection, examples.COLLECTION),
        (documents.Document, examples.DOCUMENT),
        (documents.Chunk, examples.CHUNK),
        (documents.HistoryEntry, examples.HISTORY_ENTRY),
        (search.SearchResponse, examples.SEARCH),
        (search.ExplainResponse, examples.EXPLANATION),
        (answers.Answer, examples.ANSWER),
        (answers.Conversation, examples.CONVERSATION),
        (generations.Generation, examples.GENERATION),
        (generations.Models, examples.MODELS),
        (uploads.UploadGrant, examples.UPLOAD_GRANT),
        (common.Problem, examples.PROBLEM),
    ],
)
def test_examples_are_true(model: type[BaseModel], example: dict[str, Any]) -> None:
    dumped = model.model_validate(example).model_dump(mode="json")
    assert dumped.keys() == model.model_fields.keys()
    assert {name: value for name, value in dumped.items() if name in example} == example


@pytest.fixture(scope="module")
def published(api: Api) -> Any:
    app = create_app(
        api.backend, ServerSettings(), max_document_bytes=MAX_DOCUMENT_BYTES, anonymous=Anonymous.LOCAL
    )
    api.client.post("/v1/collections", json={"name": "handbook"})
    api.document("handbook", key="policies/refunds.md", text="Refunds are paid within 30 days.")
    # Asked for no credential: tests/security asks what happens without one.
    for _, operation in operations(app.openapi()):
        del operation["security"]
    return schemathesis.openapi.from_asgi("/openapi.json", app)


@pytest.mark.parametrize("mode", GenerationMode)
def test_generated_requests_are_served_as_documented(published: Any, mode: GenerationMode) -> None:
    for found in published.get_all_operations():
        operation = found.ok()
        if mode.is_negative and not (
            operation.query or any("json" in each.media_type for each in operation.body)
        ):
            continue  # any text is a possible id, any bytes a possible file: nothing of these can be wrong
        generated_request_is_served(operation.as_strategy(generation_mode=mode), mode)


def generated_request_is_served(cases: SearchStrategy[schemathesis.Case[Any]], mode: GenerationMode) -> None:
    @settings(
        max_examples=4 if mode.is_negative else 10,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(cases)
    def check(case: schemathesis.Case[Any]) -> None:
        response = case.call()
        case.validate_response(response, excluded_checks=beyond_schemas(response))

    check()


def beyond_schemas(response: Any) -> list[Any]:
    if response.status_code == 413:  # a limit that is configured, not published
        return [CHECKS.get_one("positive_data_acceptance")]
    if response.status_code != 422:
        return []
    pointers = {
        "/" + error["pointer"].removeprefix("/").split("/")[0] for error in response.json().get("errors", [])
    }
    return [CHECKS.get_one("positive_data_acceptance")] if pointers and pointers <= BEYOND_SCHEMAS else []
