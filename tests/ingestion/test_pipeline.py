"""The write path over the real store: versions, reasons, and nothing paid for twice."""

from contextlib import closing
from functools import partial
from io import BytesIO
from pathlib import Path

import pypdfium2
import pytest

from ingestion.outcome import MAX_ATTEMPTS
from rag.adapters.postgres.store import PostgresStore
from rag.domain.documents import Attributes, DocumentStatus, NewCollection
from rag.domain.pages import PageRequest, every
from rag.errors import ModelUnavailable
from tests.doubles.counting_embedder import GROUP, Killed
from tests.doubles.scans import column, scanned_pdf
from tests.ingestion.parse.test_pdf import drawn
from tests.ingestion.write_path import WritePath
from tests.rag.adapters.postgres.builders import LEASE


@pytest.fixture
def path(store: PostgresStore, tmp_path: Path) -> WritePath:
    return WritePath(store, tmp_path)


PARAGRAPHS = [f"Paragraph {number} speaks of subject{number} and of nothing else." for number in range(200)]


def test_a_dropped_file_becomes_searchable(path: WritePath) -> None:
    path.drop("guide.md", "# Guide\n\nPress the red button.", Attributes(metadata={"team": "ops"}))
    assert path.run() == 1
    document = path.document("guide.md")
    assert (document.status, document.version, document.language) == (DocumentStatus.READY, 1, "en")
    assert (document.media_type, document.metadata, document.title) == (
        "text/markdown",
        {"team": "ops"},
        "Guide",
    )
    text = path.tenant.documents.text(document.id)
    chunks = path.tenant.documents.chunks(document.id, PageRequest()).items
    assert chunks
    assert all(text[chunk.locator.start : chunk.locator.end] == chunk.text for chunk in chunks)


def test_an_unchanged_folder_is_free(path: WritePath) -> None:
    path.drop("a.txt", "One sentence.")
    path.run()
    path.embedder.embedded.clear()
    assert path.run() == 0
    path.drop("a.txt", "One sentence.")
    assert path.run() == 1
    assert path.embedder.embedded == []
    assert (path.document("a.txt").version, path.history("a.txt")[-1]) == (1, "unchanged")


def test_editing_one_paragraph_embeds_little(path: WritePath) -> None:
    path.tenant.collections.create(NewCollection(name="notes", embedding=path.embedder.model))
    path.drop("a.md", "\n\n".join(f"## Part {n}\n\n{text}" for n, text in enumerate(PARAGRAPHS)))
    path.run()
    before = path.document("a.md")
    paid = len(path.embedder.embedded)
    path.embedder.embedded.clear()
    changed = [*PARAGRAPHS]
    changed[40] = "A wholly new paragraph stands here now, of the same length more or less."
    path.drop("a.md", "\n\n".join(f"## Part {n}\n\n{text}" for n, text in enumerate(changed)))
    path.run()
    assert paid == before.chunk_count
    assert len(path.embedder.embedded) <= 3
    assert path.document("a.md").version == 2


def test_two_files_of_the_same_text_are_paid_once_and_live_apart(path: WritePath) -> None:
    path.drop("a.txt", "The same text.")
    path.drop("b.txt", "The same text.")
    path.run()
    assert path.embedder.embedded == ["The same text."]
    path.source.remove("local", "notes", "a.txt")
    path.run()
    assert path.document("b.txt").status is DocumentStatus.READY
    assert path.tenant.documents.chunks(path.document("b.txt").id, PageRequest()).items


def test_a_removed_file_is_erased(path: WritePath) -> None:
    path.drop("a.txt", "Text.")
    path.run()
    path.source.remove("local", "notes", "a.txt")
    path.run()
    assert path.tenant.documents.list("notes", PageRequest()).items == ()


@pytest.mark.parametrize(
    ("key", "body", "code"),
    [
        ("empty.txt", b"", "empty"),
        ("blank.md", b" \n\t ", "empty"),
        ("broken.pdf", b"%PDF-1.7 nothing more", "corrupt"),
        ("picture.png", b"\x89PNG\r\n\x1a\n0000", "no_text_layer"),
        ("large.txt", b"word " * 30_000, "too_large"),
    ],
)
def test_a_bad_file_fails_alone_and_says_why(path: WritePath, key: str, body: bytes, code: str) -> None:
    path.drop(key, body)
    path.drop("good.txt", "A good one.")
    assert path.run() == 2
    failure = path.document(key).failure
    assert failure is not None
    assert (failure.code, failure.retryable) == (code, False)
    assert failure.detail.endswith(".")
    assert path.document("good.txt").status is DocumentStatus.READY


def test_a_transient_error_is_tried_again_and_then_recorded(path: WritePath) -> None:
    path.drop("a.txt", "Text.")
    path.embedder.failing = ModelUnavailable("The model server does not answer.")
    path.run()
    assert path.document("a.txt").status is DocumentStatus.PENDING
    assert path.history("a.txt") == ["accepted", "postponed"]
    for _ in range(MAX_ATTEMPTS - 1):
        work = path.tenant.ledger.claim(LEASE)
        while work is None:
            path.hurry()
            work = path.tenant.ledger.claim(LEASE)
        path.pipeline.process(path.tenant.ledger, work)
    failure = path.document("a.txt").failure
    assert failure is not None
    assert (failure.code, failure.attempts, failure.retryable) == ("model_unavailable", MAX_ATTEMPTS, True)
    path.embedder.failing = None
    path.tenant.documents.retry(path.document("a.txt").id)
    path.run()
    assert path.document("a.txt").status is DocumentStatus.READY


def test_a_worker_killed_half_way_pays_only_for_the_rest(path: WritePath) -> None:
    path.drop("a.md", "\n\n".join(f"# Part {n}\n\n{text}" for n, text in enumerate(PARAGRAPHS)))
    path.embedder.kill_in_call = 150 // GROUP + 1
    with pytest.raises(Killed):
        path.run()
    paid = len(path.embedder.embedded)
    assert 150 - GROUP <= paid <= 150
    path.hurry()
    path.run()
    document = path.document("a.md")
    assert document.status is DocumentStatus.READY
    assert document.chunk_count == len(PARAGRAPHS)
    # Staged as they come: only the call in flight could have been paid for twice.
    assert len(path.embedder.embedded) == len(set(path.embedder.embedded)) == document.chunk_count
    chunks = list(every(partial(path.tenant.documents.chunks, document.id)))
    assert [chunk.ordinal for chunk in chunks] == list(range(document.chunk_count))


def test_pages_without_text_are_named_in_the_history(path: WritePath) -> None:
    with closing(pypdfium2.PdfDocument.new()) as whole:
        for body in (drawn(["The first page has text."]), scanned_pdf([column(["A scan"])])):
            with closing(pypdfium2.PdfDocument(body)) as part:
                whole.import_pages(part)
        buffer = BytesIO()
        whole.save(buffer)
    path.drop("mixed.pdf", buffer.getvalue())
    path.run()
    document = path.document("mixed.pdf")
    assert (document.status, document.page_count) == (DocumentStatus.READY, 2)
    said = path.tenant.documents.history(document.id, PageRequest()).items[-1].detail
    assert said.endswith("skipped pages without text: 2")
