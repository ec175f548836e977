"""Texts and originals are sent piece by piece, with their length."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from ingestion.pipeline import Pipeline
from rag.adapters.postgres.store import PostgresStore
from rag.errors import TextReplaced
from tests.app.api.serving import serving_backend
from tests.doubles.write_backend import WriteBackend
from tests.ingestion.write_path import WritePath

LINE = "{number},Três cadeiras de {number} €,são pagas em trinta dias\n"


def table(rows: int) -> bytes:
    return ("id,nome,nota\n" + "".join(LINE.format(number=number) for number in range(rows))).encode()


@dataclass(frozen=True, kw_only=True)
class Served:
    client: httpx.Client
    path: WritePath

    def get(self, **parameters: str) -> httpx.Response:
        return self.client.get(f"/v1/documents/{self.path.document('a.csv').id}/content", params=parameters)


@pytest.fixture
def served(store: PostgresStore, tmp_path: Path) -> Iterator[Served]:
    """A table whose text is stored in several parts."""
    path = WritePath(store, tmp_path)
    path.pipeline = Pipeline(
        source=path.source, embedder=path.embedder, max_document_bytes=100_000, max_streamed_bytes=10_000_000
    )
    path.drop("a.csv", table(20_000))
    path.run()
    with serving_backend(WriteBackend(store=store, source=path.source, embedder=path.embedder)) as client:
        yield Served(client=client, path=path)


def test_what_is_stored_in_parts_is_sent_whole_and_not_torn(served: Served) -> None:
    documents = served.path.tenant.documents
    document = served.path.document("a.csv")
    parts = list(documents.stored_text(document.id).parts)
    text = "".join(parts)
    assert len(parts) > 1
    assert text.count("\n") == 20_000
    assert text.endswith("19999 | Três cadeiras de 19999 € | são pagas em trinta dias")

    answer = served.get(format="text")
    assert (answer.status_code, answer.text) == (200, text)
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["content-length"] == str(len(text.encode()))

    answer = served.get()
    assert (answer.status_code, answer.content) == (200, table(20_000))
    assert answer.headers["content-length"] == str(len(table(20_000)))

    before = documents.stored_text(document.id)
    assert next(before.parts) == parts[0]
    served.path.drop("a.csv", table(9))
    served.path.run()
    with pytest.raises(TextReplaced):
        next(before.parts)
    assert documents.text(document.id).count("\n") == 9
