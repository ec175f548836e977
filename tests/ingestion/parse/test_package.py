"""Archives: bombs, passwords and damage end as what they are."""

import io
import zipfile

import pytest
from lxml import etree

from ingestion.parse import package
from ingestion.parse.limits import MAX_ARCHIVE_MEMBERS, MAX_MEMBER_BYTES
from ingestion.parse.package import Archive, OfficePackage
from rag.errors import CorruptDocument, DocumentTooLarge, EncryptedDocument
from tests.ingestion.parse.goldens.golden import packed


def opened(body: bytes) -> Archive:
    return Archive(body, label="ODT file")


def test_a_member_is_read_and_a_missing_one_is_none() -> None:
    archive = opened(packed({"a.xml": "<a>b</a>"}))
    tree = archive.tree("a.xml")
    assert tree is not None
    assert tree.text == "b"
    assert archive.read("b.xml") is None


def test_many_members_within_their_limits_are_a_bomb_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "MAX_READ_BYTES", 2_500_000)
    archive = opened(packed({f"{number}.xml": " " * 1_000_000 for number in range(3)}))
    archive.read("0.xml")
    archive.read("1.xml")
    with pytest.raises(DocumentTooLarge, match="unpacks to more than"):
        archive.read("2.xml")


def test_a_member_that_unpacks_to_too_much() -> None:
    archive = opened(packed({"a.xml": bytes(MAX_MEMBER_BYTES + 1)}))
    with pytest.raises(DocumentTooLarge, match="100 MB"):
        archive.read("a.xml")


def test_too_many_members() -> None:
    with pytest.raises(DocumentTooLarge, match="10,000 parts"):
        opened(packed({str(number): "" for number in range(MAX_ARCHIVE_MEMBERS + 1)}))


def test_a_member_under_a_password() -> None:
    body = bytearray(packed({"content.xml": "secret"}))
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        body[body.index(signature) + flags] |= 1
    with pytest.raises(EncryptedDocument, match="password"):
        opened(bytes(body)).read("content.xml")


def test_damaged_data() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.xml", b"words and more words " * 50)
    body = bytearray(buffer.getvalue())
    body[50:60] = b"\xff" * 10
    with pytest.raises(CorruptDocument, match="ODT file is damaged"):
        opened(bytes(body)).read("a.xml")


def test_billion_laughs() -> None:
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    part = f'<!DOCTYPE r [<!ENTITY l0 "lol">{laughs}]><r>&l9;</r>'
    with pytest.raises(CorruptDocument):
        opened(packed({"a.xml": part})).tree("a.xml")


def test_external_entities_are_not_fetched() -> None:
    part = '<!DOCTYPE r [<!ENTITY f SYSTEM "file:///etc/passwd">]><r>before<a>&f;</a>after</r>'
    tree = opened(packed({"a.xml": part})).tree("a.xml")
    assert tree is not None
    assert b"root:" not in etree.tostring(tree)
    assert tree.text == "before"


def test_relationships_lead_to_parts() -> None:
    listed = '<Relationship Id="r1" Type="http://x/styles" Target="../other/styles.xml"/>'
    body = packed(
        {
            "word/document.xml": "<d/>",
            "word/_rels/document.xml.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006'
            f'/relationships">{listed}</Relationships>',
            "other/styles.xml": "<s/>",
        }
    )
    found = OfficePackage(body, label="DOCX file", main="word/document.xml")
    assert found.main().tag == "d"
    styles = found.related("word/document.xml", "styles")
    assert styles is not None
    assert styles.tag == "s"
    assert found.target("word/document.xml", "numbering") is None
