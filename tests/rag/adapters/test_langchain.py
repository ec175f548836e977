"""Acervo in LangChain's hands: its standard tests, and what a citation needs."""

import re
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
from langchain_tests.integration_tests import RetrieversIntegrationTests
from psycopg.conninfo import make_conninfo
from pydantic import SecretStr

from ingestion.worker import Worker
from rag.adapters.langchain import AcervoRetriever
from rag.backends.local import LocalBackend
from rag.errors import Conflict, InvalidRequest, ModelResponseInvalid, NotFound, Unavailable
from rag.settings import DatabaseSettings
from tests.app.api.serving import serving_backend
from tests.doubles.embeddings_server import embeddings_server
from tests.doubles.library import Library

README = Path(__file__).parents[3] / "README.md"
QUERY = "When are refunds paid?"


@pytest.fixture(scope="module")
def served(server: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalBackend]:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE langchain TEMPLATE {template}".encode())
    backend = LocalBackend(
        tmp_path_factory.mktemp("langchain"),
        database=DatabaseSettings(url=SecretStr(make_conninfo(server, dbname="langchain"))),
    )
    library = Library(backend=backend, worker=Worker(backend, threads=1, max_document_bytes=100_000))
    library.add("refunds.md", "# Money\n\n## Refunds\n\nRefunds are paid within five days.", team="ops")
    library.add("cards.md", "Refunds to cards are paid by the bank of the card.", title="Cards")
    library.add("garden.md", "The garden is open on Fridays.", collection="other")
    library.add("bills.md", "Bills are paid before refunds are.")
    yield backend
    backend.close()


@pytest.fixture(scope="module")
def address(served: LocalBackend) -> Iterator[str]:
    with serving_backend(served) as client:
        yield str(client.base_url)


class TestStandard(RetrieversIntegrationTests):
    """https://reference.langchain.com/python/langchain_tests/integration_tests/retrievers/."""

    @pytest.fixture(autouse=True)
    def _address(self, address: str) -> None:
        self.address = address

    @property
    def retriever_constructor(self) -> type[AcervoRetriever]:
        return AcervoRetriever

    @property
    def retriever_constructor_params(self) -> dict[str, Any]:
        return {"server": self.address}

    @property
    def retriever_query_example(self) -> str:
        return QUERY


def test_a_document_can_be_cited(address: str, served: LocalBackend) -> None:
    (found,) = AcervoRetriever(server=address, k=1, collections=["handbook"]).invoke("within five days")
    document = served.store.tenant("local").documents.find("handbook", "refunds.md")
    text = served.store.tenant("local").documents.text(document.id)
    told = found.metadata
    assert text[told["start"] : told["end"]] == found.page_content
    assert (told["document_id"], told["key"], told["collection"]) == (document.id, "refunds.md", "handbook")
    assert (told["heading"], told["page"], told["version"]) == ("Money › Refunds", None, 1)
    assert told["metadata"] == {"team": "ops"}
    assert set(told["scores"]) == {"keyword", "semantic"}
    assert found.id is not None
    assert found.id.startswith("chk_")


def test_what_is_asked_of_the_retriever_is_asked_of_the_server(address: str) -> None:
    keyword = AcervoRetriever(server=address, mode="keyword", collections=["handbook"])
    assert keyword.invoke("garden") == []
    assert [found.metadata["key"] for found in keyword.invoke("garden", collections=["other"])] == [
        "garden.md"
    ]
    only = {"field": "metadata.team", "op": "eq", "value": "ops"}
    filtered = AcervoRetriever(server=address, filter=only).invoke(QUERY)
    assert {found.metadata["key"] for found in filtered} == {"refunds.md"}


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"collections": ["none"]}, NotFound),
        ({"rerank": True}, Conflict),
        ({"k": 1000}, InvalidRequest),
        ({"unknown": 1}, InvalidRequest),
    ],
)
def test_refusals_say_why(address: str, options: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error, match="status 4"):
        AcervoRetriever(server=address).invoke(QUERY, **options)


def test_a_server_that_is_not_there() -> None:
    with pytest.raises(Unavailable, match="does not answer"):
        AcervoRetriever(server="http://127.0.0.1:9").invoke(QUERY)


def test_a_server_of_another_kind() -> None:
    with embeddings_server() as server, pytest.raises((NotFound, ModelResponseInvalid)):
        AcervoRetriever(server=server.base_url).invoke(QUERY)


def test_the_example_of_the_readme(address: str) -> None:
    (example,) = re.findall(
        r"```python\n(from rag\.adapters\.langchain.*?)```", README.read_text(), re.DOTALL
    )
    with redirect_stdout(StringIO()) as out:
        exec(example.replace("http://127.0.0.1:8000", address), {})  # noqa: S102 - the README is ours
    assert "refunds.md" in out.getvalue()
