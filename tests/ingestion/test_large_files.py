"""A file larger than memory should hold goes through the write path part by part."""

from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile

import pytest

from ingestion.isolation import IsolatedParser
from ingestion.parse.reader import parse
from ingestion.pipeline import Pipeline
from rag.adapters.postgres.store import PostgresStore
from rag.domain.documents import Document, DocumentStatus
from rag.domain.pages import every
from rag.domain.search import Passage
from rag.settings import ParsingSettings
from tests.ingestion.write_path import WritePath

NOTE = "paid within thirty days of the receipt of the goods"
HEAD = "id,name,amount,note\n"


@pytest.fixture
def path(store: PostgresStore, tmp_path: Path) -> WritePath:
    """Files beyond 100,000 bytes are streamed, or refused."""
    path = WritePath(store, tmp_path)
    path.pipeline = Pipeline(
        source=path.source,
        embedder=path.embedder,
        max_document_bytes=100_000,
        max_streamed_bytes=3_000_000,
    )
    return path


def table(rows: int, note: str = NOTE) -> bytes:
    return (HEAD + "".join(f"{number},Ana,{number}.50,{note}\n" for number in range(rows))).encode()


def passages(path: WritePath, document: Document) -> list[Passage]:
    return list(every(partial(path.tenant.documents.chunks, document.id)))


def parts_in(path: WritePath, document: Document) -> int:
    with path.tenant.ledger._session.transaction() as connection:  # noqa: SLF001 - no reader sees parts
        row = connection.execute(
            "SELECT count(*) AS parts FROM document_texts WHERE document_id = %s", (document.id,)
        ).fetchone()
    assert row is not None
    return int(row["parts"])


def test_text_chunks_and_wide_passages_are_those_of_the_whole_file(path: WritePath) -> None:
    body = table(33_000)
    path.drop("a.csv", body)
    path.run()
    document = path.document("a.csv")
    assert (document.status, document.size) == (DocumentStatus.READY, len(body))
    text = path.tenant.documents.text(document.id)
    assert text == parse(body, name="a.csv").text
    found = passages(path, document)
    assert parts_in(path, document) == 3
    assert [each.ordinal for each in found] == list(range(document.chunk_count))
    assert all(text[each.locator.start : each.locator.end] == each.text for each in found)
    assert "".join("".join(each.text.split()) for each in found) == "".join(text.split())
    header = "id | name | amount | note"
    assert {each.locator.heading for each in found[1:]} == {header}
    border = next(each for each in found if each.locator.end > 1_000_000)
    (wide,) = path.tenant.index.widen([border], 3)
    assert wide.locator.start < border.locator.start < border.locator.end < wide.locator.end
    assert wide.text == text[wide.locator.start : wide.locator.end]
    everything = replace(border, locator=replace(border.locator, start=0, end=len(text) - 5))
    (whole,) = path.tenant.index.widen([replace(everything, ordinal=-9)], 1)
    assert whole.text == text[:-5]


def test_a_new_version_replaces_all_parts_and_a_deletion_removes_them(path: WritePath) -> None:
    path.drop("a.csv", table(33_000))
    path.run()
    path.drop("a.csv", table(10, "shorter"))
    path.run()
    document = path.document("a.csv")
    assert parts_in(path, document) == 1
    assert path.tenant.documents.text(document.id).endswith("9 | Ana | 9.50 | shorter")
    path.source.remove("local", "notes", "a.csv")
    path.run()
    assert parts_in(path, document) == 0


def test_readers_see_the_old_version_until_the_new_one_is_whole(path: WritePath) -> None:
    path.drop("a.csv", b"id,name\n1,old\n")
    path.run()
    path.drop("a.csv", table(33_000))
    path.embedder.failing_after = 900
    path.run()
    document = path.document("a.csv")
    assert (document.status, document.version) == (DocumentStatus.PENDING, 1)
    assert parts_in(path, document) > 1
    assert path.tenant.documents.text(document.id).endswith("1 | old")
    path.embedder.failing_after = None
    path.hurry()
    path.run()
    document = path.document("a.csv")
    assert (document.status, document.version, parts_in(path, document)) == (DocumentStatus.READY, 2, 3)


@pytest.mark.parametrize(
    ("key", "body", "code", "setting"),
    [
        ("a.csv", table(1) + b"x" * 3_000_000, "too_large", "ACERVO_MAX_STREAMED_BYTES"),
        ("a.html", b"<p>" + b"word " * 30_000, "too_large", "ACERVO_MAX_DOCUMENT_BYTES"),
        ("a.jsonl", b'{"a": "some text"}\n' * 90_000 + b'{"b": ', "corrupt", "line 90001"),
    ],
)
def test_what_cannot_be_streamed_fails_and_leaves_nothing(
    path: WritePath, key: str, body: bytes, code: str, setting: str
) -> None:
    path.drop(key, body)
    path.run()
    document = path.document(key)
    assert document.failure is not None
    assert (document.failure.code, document.failure.retryable) == (code, False)
    assert setting in document.failure.detail
    assert parts_in(path, document) == 0


def test_the_reader_holds_a_part_of_the_file() -> None:
    """Thirty megabytes each; a reader of the whole file needs several times its size."""
    rows = b"".join(b"%d,Ana,%d.50,%b\n" % (n, n, NOTE.encode() * 8) for n in range(68_500))
    lines = b"".join(b'{"id": %d, "note": "%b"}\n' % (n, NOTE.encode() * 8) for n in range(68_500))
    for name, body in (("a.csv", HEAD.encode() + rows), ("a.jsonl", lines)):
        assert len(body) > 29_000_000
        with closing(IsolatedParser(ParsingSettings())) as parser:
            characters = _streamed(parser, name, body)
            assert characters > 27_000_000
            assert 0 < parser.peak_bytes < 90_000_000


def _streamed(parser: IsolatedParser, name: str, body: bytes) -> int:
    characters = 0
    with TemporaryFile() as file:
        file.write(body)
        file.flush()
        for part in parser.parse_file(file, len(body), name=name, whole_bytes=1):
            assert len(part.text) < 1_100_000
            characters += len(part.text)
    return characters
