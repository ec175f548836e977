"""E-mail: every word once, headers decoded, attachments by safe and unique names."""

import re
from email.header import Header
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.parse.eml import attachments, parse_eml
from rag.errors import CorruptDocument, DocumentRejected, EncryptedDocument
from tests.ingestion.parse.goldens.mail_files import mail
from tests.ingestion.parse.sections import Section, assert_words, sections

_CHARSETS = st.sampled_from(["utf-8", "iso-8859-1", "cp1252", "utf-16"])
_TRANSFERS = st.sampled_from(["base64", "quoted-printable"])
_NAMES = st.text(min_size=1, max_size=30).filter(lambda name: name.isprintable())


def html(section: Section) -> str:
    rows = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in section.rows)
    paragraphs = "".join(f"<p>{text}</p>" for text in section.paragraphs)
    items = "".join(f"<li>{item}</li>" for item in section.items)
    return f"<h1>{section.heading}</h1>{paragraphs}<ul>{items}</ul><table>{rows}</table>"


@given(sections(), _CHARSETS, _TRANSFERS)
@settings(max_examples=40, deadline=None)
def test_words_of_a_page_come_out_once_and_in_order(
    written: list[Section], charset: str, transfer: str
) -> None:
    message = mail("x", "x")
    page = f"<html><body>{''.join(map(html, written))}</body></html>"
    message.set_content(page, subtype="html", charset=charset, cte=transfer)
    assert_words(parse_eml(message.as_bytes()), written)


@given(sections(), _CHARSETS, _TRANSFERS)
@settings(max_examples=40, deadline=None)
def test_plain_words_and_headers_come_out_once(written: list[Section], charset: str, transfer: str) -> None:
    words = [word for section in written for word in section.words()]
    subject = " ".join(word[::-1] for word in words)
    # Python 3.11's own policy loses spaces where it folds a header.
    header = Header(subject, "utf-8").encode(linesep="\n").encode()
    message = mail("SUBJECT", " ".join(words), charset=charset, transfer=transfer)
    extracted = parse_eml(message.as_bytes().replace(b"SUBJECT", header))
    assert extracted.title == subject
    known = frozenset(words) | frozenset(subject.split())
    assert [word for word in re.findall(r"\w+", extracted.text) if word in known] == subject.split() + words


@given(st.lists(st.tuples(_NAMES, st.binary(max_size=50)), max_size=6))
@settings(deadline=None)
def test_attachments_keep_their_bytes_under_safe_unique_names(files: list[tuple[str, bytes]]) -> None:
    message = mail("x", "x")
    for name, body in files:
        message.add_attachment(body, maintype="application", subtype="octet-stream", filename=name)
    found = list(attachments(message.as_bytes()))
    assert [each.body for each in found] == [body for _, body in files]
    names = [each.name for each in found]
    assert len({name.lower() for name in names}) == len(names)
    for name in names:
        assert not set("/\\\0\r\n") & set(name)
        assert name.strip(". ") == name.strip()
        assert 0 < len(name) <= 160


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\docs\\report.pdf", "report.pdf"),
        ("..", "attachment"),
        ("relatório final.pdf", "relatório final.pdf"),
        ("a:b?.txt", "a_b_.txt"),
    ],
)
def test_names_of_attachments(name: str, safe: str) -> None:
    message = mail("x", "x")
    message.add_attachment(b"1", maintype="application", subtype="pdf", filename=name)
    assert [each.name for each in attachments(message.as_bytes())] == [safe]


def test_a_forwarded_mail_is_an_attachment_that_can_be_read() -> None:
    message = mail("FW", "see below")
    message.add_attachment(mail("Inner", "inner words"))
    [forwarded] = attachments(message.as_bytes())
    assert (forwarded.name, forwarded.media_type) == ("Inner.eml", "message/rfc822")
    assert "inner words" in parse_eml(forwarded.body).text
    assert BytesParser(policy=default).parsebytes(forwarded.body)["Subject"] == "Inner"


def test_pictures_inside_a_page_are_not_attachments() -> None:
    message = mail("x", "plain")
    message.add_alternative("<p>plain <img src='cid:logo'></p>", subtype="html")
    page = message.get_payload()[1]  # type: ignore[index] # a list of parts
    assert isinstance(page, EmailMessage)
    page.add_related(b"\x89PNG", "image", "png", cid="<logo>")
    message.add_attachment(b"1", maintype="application", subtype="pdf", filename="a.pdf")
    assert [each.name for each in attachments(message.as_bytes())] == ["a.pdf"]


def test_the_messages_of_a_digest_are_read_in_place() -> None:
    body = (
        b"From: a@x.org\nSubject: Digest\nContent-Type: multipart/digest; boundary=b\n\n"
        b"--b\n\nSubject: One\n\nfirst words\n--b\n\nSubject: Two\n\nsecond words\n--b--\n"
    )
    text = parse_eml(body).text
    assert re.findall(r"One|first words|Two|second words", text) == [
        "One",
        "first words",
        "Two",
        "second words",
    ]
    assert list(attachments(body)) == []


@pytest.mark.parametrize(
    ("body", "failure"),
    [
        (b"just words\n\nand more", CorruptDocument),
        (
            b"Subject: x\nContent-Type: application/pkcs7-mime; smime-type=enveloped-data\n\nAAAA",
            EncryptedDocument,
        ),
        (
            b"Subject: x\n"
            + b"".join(b"Content-Type: multipart/mixed; boundary=%d\n\n--%d\n" % (n, n) for n in range(300)),
            CorruptDocument,
        ),
    ],
)
def test_mails_that_cannot_be_read(body: bytes, failure: type[DocumentRejected]) -> None:
    with pytest.raises(failure):
        parse_eml(body)


@given(
    st.lists(st.sampled_from([b"=?utf-8?B?", b"=?utf-8?q?", b"?=", b" ", b"=", b"4", b"\xe9", b"\n ", b"a"]))
)
def test_any_header_gives_text(pieces: list[bytes]) -> None:
    parse_eml(b"Subject: a" + b"".join(pieces) + b"\n\nbody").text.encode()
