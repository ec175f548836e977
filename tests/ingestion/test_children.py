"""Attachments of mails and lines of JSON are documents of their own that follow their file."""

from email.message import EmailMessage
from pathlib import Path

import pytest

from rag.adapters.postgres.store import PostgresStore
from rag.domain.documents import Chunking, Document, DocumentStatus, NewCollection
from rag.domain.pages import PageRequest
from tests.ingestion.write_path import WritePath


@pytest.fixture
def path(store: PostgresStore, tmp_path: Path) -> WritePath:
    return WritePath(store, tmp_path)


@pytest.fixture
def lines(path: WritePath) -> WritePath:
    """Its collection takes each line of a file of JSON lines for a document."""
    chunking = Chunking(jsonl="document_per_line")
    path.tenant.collections.create(
        NewCollection(name="notes", embedding=path.embedder.model, chunking=chunking)
    )
    return path


def mail(*attachments: tuple[str, str], subject: str = "Offer") -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "ana@example.com", "bo@example.com", subject
    message.set_content("The offer is attached.")
    for name, text in attachments:
        kind = "x-unknown" if name.endswith(".gif") else "octet-stream"
        message.add_attachment(text.encode(), maintype="application", subtype=kind, filename=name)
    return message.as_bytes()


def documents(path: WritePath) -> dict[str, Document]:
    return {each.key: each for each in path.tenant.documents.list("notes", PageRequest(limit=100)).items}


def versions(path: WritePath) -> dict[str, int]:
    return {key: each.version for key, each in documents(path).items()}


def texts(path: WritePath) -> dict[str, str]:
    ready = {key: each for key, each in documents(path).items() if each.status is DocumentStatus.READY}
    return {key: path.tenant.documents.text(each.id) for key, each in ready.items()}


def test_attachments_are_documents_linked_to_their_mail(path: WritePath) -> None:
    path.drop("a.eml", mail(("preços.csv", "item,preço\nágua,2\n"), ("notas.txt", "Uma nota.")))
    assert path.run() == 3
    found = documents(path)
    assert found.keys() == {"a.eml", "a.eml/preços.csv", "a.eml/notas.txt"}
    assert {each.parent_id for key, each in found.items() if key != "a.eml"} == {found["a.eml"].id}
    assert found["a.eml"].parent_id is None
    assert found["a.eml/notas.txt"].source_uri == "folder:notes/a.eml#attachment=notas.txt"
    assert texts(path)["a.eml/preços.csv"] == "item | preço\nágua | 2"
    assert "preços.csv" in texts(path)["a.eml"]


def test_an_attachment_that_cannot_be_read_fails_alone_and_says_why(path: WritePath) -> None:
    path.drop("a.eml", mail(("logo.gif", "GIF89a\0\1"), ("x.metadata.json", "{}"), ("empty.txt", "")))
    path.run()
    codes = {key: each.failure.code for key, each in documents(path).items() if each.failure}
    assert codes == {
        "a.eml/logo.gif": "unsupported_media_type",
        "a.eml/2": "empty",
        "a.eml/empty.txt": "empty",
    }
    assert documents(path)["a.eml"].status is DocumentStatus.READY


def test_a_mail_in_a_mail_is_a_mail(path: WritePath) -> None:
    outer = EmailMessage()
    outer["From"], outer["Subject"] = "ana@example.com", "Fwd"
    outer.set_content("See below.")
    inner = EmailMessage()
    inner["From"], inner["Subject"] = "bo@example.com", "Inner"
    inner.set_content("The inner text.")
    inner.add_attachment(b"Deep.", maintype="text", subtype="plain", filename="deep.txt")
    outer.add_attachment(inner)
    path.drop("a.eml", outer.as_bytes())
    assert path.run() == 3
    assert texts(path)["a.eml/Inner.eml/deep.txt"] == "Deep."
    path.source.remove("local", "notes", "a.eml")
    path.run()
    assert documents(path) == {}


def test_redelivery_and_comparison_change_nothing(path: WritePath) -> None:
    body = mail(("a.txt", "One."), ("b.txt", "Two."))
    path.drop("a.eml", body)
    path.run()
    before = versions(path)
    assert path.run() == 0
    path.drop("a.eml", body)
    assert path.run() == 1
    assert versions(path) == before
    assert path.embedder.embedded.count("One.") == 1


def test_attachments_follow_the_versions_of_their_mail(path: WritePath) -> None:
    path.drop("a.eml", mail(("a.txt", "One."), ("b.txt", "Two."), ("c.txt", "Three.")))
    path.run()
    path.drop("a.eml", mail(("a.txt", "One."), ("b.txt", "Two, changed.")))
    path.run()
    assert versions(path) == {
        "a.eml": 2,
        "a.eml/a.txt": 1,
        "a.eml/b.txt": 2,
    }
    assert texts(path)["a.eml/b.txt"] == "Two, changed."
    path.drop("a.eml", mail(("c.txt", "Three.")))
    path.run()
    assert texts(path)["a.eml/c.txt"] == "Three."


def test_a_removed_mail_takes_its_attachments_along(path: WritePath) -> None:
    path.drop("a.eml", mail(("a.txt", "One.")))
    path.run()
    path.source.remove("local", "notes", "a.eml")
    path.run()
    assert documents(path) == {}
    path.drop("a.eml", mail(("a.txt", "One.")))
    path.run()
    assert texts(path).keys() == {"a.eml", "a.eml/a.txt"}


def test_an_object_under_the_key_of_an_attachment_is_another_document(path: WritePath) -> None:
    path.drop("a.jsonl#7", "A file of its own.")
    path.run()
    path.tenant.collections.update("notes", chunking=Chunking(jsonl="document_per_line"))
    path.drop("a.jsonl", '{"id": 7, "text": "A line."}\n')
    path.run()
    found = documents(path)["a.jsonl#7"]
    assert (found.parent_id, found.version) == (None, 1)
    assert "conflicting_source" in path.history("a.jsonl#7")


def test_each_line_is_a_document_where_the_collection_says_so(lines: WritePath) -> None:
    lines.drop(
        "a.jsonl",
        '{"id": "x1", "title": "First", "text": "One."}\n\n{"id": 7, "text": "Two."}\n{"text": "Three."}\n'
        "{}\n"
        '{"id": 7, "text": "Four."}\n{"id": "a/b", "text": "Five."}\n',
    )
    lines.run()
    found = documents(lines)
    keys = {"x1", "7", "line 4", "line 6", "line 7"}
    assert found.keys() == {"a.jsonl", *(f"a.jsonl#{each}" for each in keys)}
    assert (found["a.jsonl"].status, found["a.jsonl"].chunk_count) == (DocumentStatus.READY, 0)
    assert found["a.jsonl#x1"].title == "First"
    assert texts(lines)["a.jsonl#line 4"] == "text: Three."


def test_lines_follow_their_file(lines: WritePath) -> None:
    lines.drop("a.jsonl", "".join(f'{{"id": {n}, "text": "Line {n}."}}\n' for n in range(5)))
    assert lines.run() == 6
    lines.embedder.embedded.clear()
    lines.drop("a.jsonl", '{"id": 0, "text": "Line 0."}\n{"id": 1, "text": "Changed."}\n')
    assert lines.run() == 5
    assert len(lines.embedder.embedded) == 1
    assert versions(lines) == {
        "a.jsonl": 2,
        "a.jsonl#0": 1,
        "a.jsonl#1": 2,
    }


def test_a_file_of_lines_is_one_document_again(lines: WritePath) -> None:
    lines.drop("a.jsonl", '{"id": 1, "text": "One."}\n{"id": 2, "text": "Two."}\n')
    lines.run()
    lines.tenant.collections.update("notes", chunking=Chunking())
    lines.drop("a.jsonl", '{"id": 1, "text": "One."}\n{"id": 2, "text": "Two!"}\n')
    lines.run()
    assert texts(lines) == {"a.jsonl": "id: 1\ntext: One.\n\nid: 2\ntext: Two!"}


def test_lines_come_and_go_with_the_chunking_of_their_collection(path: WritePath) -> None:
    path.drop("a.jsonl", '{"id": 1, "text": "One."}\n{"id": 2, "text": "Two."}\n')
    path.run()
    whole = texts(path)
    path.tenant.collections.update("notes", chunking=Chunking(jsonl="document_per_line"))
    path.work_off()
    assert texts(path).keys() == {"a.jsonl", "a.jsonl#1", "a.jsonl#2"}
    path.tenant.collections.update("notes", chunking=Chunking())
    path.work_off()
    assert texts(path) == whole
    assert documents(path)["a.jsonl"].version == 1


def test_a_broken_line_fails_the_file_and_leaves_its_former_lines(lines: WritePath) -> None:
    lines.drop("a.jsonl", '{"id": 1, "text": "One."}\n')
    lines.run()
    lines.drop("a.jsonl", '{"id": 1, "text": "One!"}\n{"id": \n')
    lines.run()
    failure = documents(lines)["a.jsonl"].failure
    assert failure is not None
    assert "line 2" in failure.detail
    assert texts(lines)["a.jsonl#1"] == "id: 1\ntext: One."


def test_a_deleted_collection_takes_all_of_them_along(path: WritePath) -> None:
    path.drop("a.eml", mail(("a.txt", "One.")))
    path.run()
    path.source.remove_collection("local", "notes")
    path.tenant.collections.delete("notes")
    path.run()
    with path.tenant.ledger._session.transaction() as connection:  # noqa: SLF001 - no reader sees them
        for table in ("documents", "document_texts", "document_records", "chunks"):
            assert connection.execute(f"SELECT FROM {table}".encode()).fetchall() == []
