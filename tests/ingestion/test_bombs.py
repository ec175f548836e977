"""Files made to harm their reader end as a named rejection or as their text, within the limits."""

import threading
import zipfile
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import BytesIO
from pathlib import Path

import pytest

from ingestion.isolation import IsolatedParser
from rag.errors import DocumentRejected
from rag.settings import ParsingSettings
from tests.fuzz_seeds import made_seeds

SECONDS = 20.0
REFUSED_OR_HARMLESS = frozenset({"too_large", "corrupt", "ready"})


@pytest.fixture(scope="module")
def parser() -> Iterator[IsolatedParser]:
    with closing(
        IsolatedParser(ParsingSettings(parser_seconds=SECONDS, parser_memory_bytes=600_000_000))
    ) as it:
        yield it


def outcome(parser: IsolatedParser, body: bytes, name: str) -> tuple[str, str]:
    """The status and the text or the sentence; the worker must be able to go on."""
    try:
        result = "ready", parser.parse(body, name=name).text
    except DocumentRejected as error:
        result = error.code, error.detail
    assert parser.parse(b"And on it goes.", name="a.txt").text == "And on it goes."
    return result


@pytest.fixture
def fetched() -> Iterator[tuple[str, list[str]]]:
    """A server's URL, and the paths that were asked for."""
    paths: list[str] = []

    class Noting(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"stolen")

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Noting) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", paths
        server.shutdown()
        thread.join()


def with_member(suffix: str, member: str, content: bytes) -> bytes:
    """A whole file of that format with another content of one member."""
    (seed,) = [seed for seed in made_seeds() if seed.format == suffix]
    written = BytesIO()
    with (
        zipfile.ZipFile(BytesIO(seed.body)) as whole,
        zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        assert member in whole.namelist()
        for name in whole.namelist():
            archive.writestr(name, content if name == member else whole.read(name))
    return written.getvalue()


@pytest.mark.parametrize(
    ("suffix", "member"),
    [
        ("docx", "word/document.xml"),
        ("xlsx", "xl/worksheets/sheet1.xml"),
        ("pptx", "ppt/slides/slide1.xml"),
        ("odt", "content.xml"),
        ("epub", "a.xhtml"),
    ],
)
def test_zip_bomb(parser: IsolatedParser, suffix: str, member: str) -> None:
    """101 MB of blanks in 100 KB."""
    body = with_member(suffix, member, b"<a>" + b" " * 101_000_000 + b"</a>")
    assert len(body) < 1_000_000
    assert outcome(parser, body, f"bomb.{suffix}")[0] == "too_large"


LAUGHS = (
    '<!DOCTYPE lolz [<!ENTITY l0 "lol">'
    + "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 11))
    + "]>"
)


@pytest.mark.parametrize(
    ("suffix", "member"), [("docx", "word/document.xml"), ("odt", "content.xml"), ("epub", "a.xhtml")]
)
def test_billion_laughs_in_an_archive(parser: IsolatedParser, suffix: str, member: str) -> None:
    body = with_member(suffix, member, f"{LAUGHS}<a><b>&l10;</b></a>".encode())
    status, text = outcome(parser, body, f"laughs.{suffix}")
    assert status in {*REFUSED_OR_HARMLESS, "empty"}
    assert len(text) < 10_000


@pytest.mark.parametrize("name", ["laughs.xml", "laughs.html", "laughs.txt"])
def test_billion_laughs(parser: IsolatedParser, name: str) -> None:
    status, text = outcome(parser, f'<?xml version="1.0"?>{LAUGHS}<a><b>ha &l10;</b></a>'.encode(), name)
    assert status in REFUSED_OR_HARMLESS
    assert len(text) < 10_000


@pytest.mark.parametrize("name", ["a.xml", "a.html", "a.docx", "a.odt", "a.epub"])
def test_external_entities_are_not_fetched(
    parser: IsolatedParser, fetched: tuple[str, list[str]], tmp_path: Path, name: str
) -> None:
    url, paths = fetched
    secret = tmp_path / "secret.txt"
    secret.write_text("stolen")
    markup = (
        f'<?xml version="1.0"?><!DOCTYPE a SYSTEM "{url}/dtd" [<!ENTITY web SYSTEM "{url}/entity">'
        f'<!ENTITY file SYSTEM "{secret.as_uri()}"><!ENTITY % p SYSTEM "{url}/parameter"> %p;]>'
        f'<a xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="{secret.as_uri()}" parse="text"/>'
        f'<b>told &web; &file;</b><img src="{url}/image"/><link rel="stylesheet" href="{url}/style"/></a>'
    ).encode()
    members = {"docx": "word/document.xml", "odt": "content.xml", "epub": "a.xhtml"}
    suffix = name.partition(".")[2]
    body = with_member(suffix, members[suffix], markup) if suffix in members else markup
    status, text = outcome(parser, body, name)
    assert status in {*REFUSED_OR_HARMLESS, "empty"}
    assert "stolen" not in text
    assert paths == []


def test_scripts_of_a_page_are_not_its_text(parser: IsolatedParser) -> None:
    page = (
        "<html><body onload='evil()'><script>evil()</script><p>Good <b>text</b>.</p><style>p{evil}</style>"
        "<svg><script>evil()</script></svg><noscript>evil</noscript><template>evil</template>"
        "<a href='javascript:evil()'>A link</a><!-- evil --></body></html>"
    )
    status, text = outcome(parser, page.encode(), "a.html")
    assert status == "ready"
    assert "evil" not in text.replace("<noscript>", "")
    assert "Good text." in text
    assert "A link" in text


def test_pdf_of_a_million_objects(parser: IsolatedParser) -> None:
    (seed,) = [seed for seed in made_seeds() if seed.format == "pdf"]
    objects = b"".join(b"%d 0 obj\nnull\nendobj\n" % number for number in range(100, 1_000_100))
    head, mark, rest = seed.body.partition(b"1 0 obj")
    status, text = outcome(parser, head + objects + mark + rest, "a.pdf")
    assert status == "ready"
    assert "A transação" in text


def test_pdf_whose_pages_contain_themselves(parser: IsolatedParser) -> None:
    body = (
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
        b"2 0 obj<</Type/Pages/Count 1000000/Kids[2 0 R 2 0 R]>>endobj\n"
        b"trailer<</Root 1 0 R/Size 3>>\n%%EOF"
    )
    assert outcome(parser, body, "a.pdf")[0] in {"corrupt", "empty", "no_text_layer"}


@pytest.mark.parametrize("name", ["line.csv", "line.txt"])
def test_one_line_of_a_hundred_megabytes(parser: IsolatedParser, name: str) -> None:
    status, _ = outcome(parser, b"word,12,ok;" * 9_100_000, name)
    assert status == "too_large"


@pytest.mark.parametrize("name", ["deep.json", "deep.jsonl", "deep.txt"])
@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_deeply_nested_json(parser: IsolatedParser, name: str, opening: bytes) -> None:
    closing_sign = b"]" if opening == b"[" else b"}"
    body = opening * 100_000 + b'"x"' + closing_sign * 100_000
    assert outcome(parser, body, name)[0] in {*REFUSED_OR_HARMLESS, "unsupported_media_type"}


@pytest.mark.parametrize("name", ["deep.html", "deep.xml", "deep.md", "deep.rtf", "deep.eml"])
def test_deep_nesting_elsewhere(parser: IsolatedParser, name: str) -> None:
    bodies = {
        "html": b"<div>" * 100_000 + b"text",
        "xml": b"<?xml version='1.0'?>" + b"<a>" * 100_000 + b"text" + b"</a>" * 100_000,
        "md": b"> " * 50_000 + b"text",
        "rtf": rb"{\rtf1 " + b"{" * 100_000 + b"text" + b"}" * 100_001,
        "eml": b"From: a\r\nSubject: b\r\nDate: c\r\n"
        + b"".join(
            b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(2000)
        )
        + b"Content-Type: text/plain\r\n\r\ntext",
    }
    status, _ = outcome(parser, bodies[name.partition(".")[2]], name)
    assert status in {*REFUSED_OR_HARMLESS, "empty", "unsupported_media_type"}


@pytest.mark.parametrize(
    "name",
    [
        "../../../etc/passwd",
        "..\\..\\boot.ini",
        "a\x00.txt",
        "a.txt\x00.exe",
        "\x00",
        "/etc/passwd",
        "a/../b.txt",
        "." * 9999,
    ],
)
def test_a_name_is_a_label_and_never_a_path(parser: IsolatedParser, name: str) -> None:
    assert outcome(parser, b"The text of the body.", name) == ("ready", "The text of the body.")
