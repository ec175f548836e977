"""EPUB: the chapters of a book in reading order, each a page; its contents list is left out."""

import re
from collections.abc import Iterator
from posixpath import dirname, join, normpath
from urllib.parse import unquote

from lxml import etree

from ingestion.parse.builder import TextBuilder, one_line
from ingestion.parse.html import add_whole_html, decode_html
from ingestion.parse.media_type import EPUB
from ingestion.parse.package import Archive
from rag.domain.content import ExtractedText
from rag.errors import CorruptDocument, EncryptedDocument

_OPF = "{http://www.idpf.org/2007/opf}"
_CONTAINER = "META-INF/container.xml"
_ROOT_FILE = "{urn:oasis:names:tc:opendocument:xmlns:container}rootfile"
_TITLE = "{http://purl.org/dc/elements/1.1/}title"
_XML_ENCRYPTION = "{http://www.w3.org/2001/04/xmlenc#}"
# Fonts are scrambled against copying in books that anyone may read.
_FONT_SCRAMBLING = frozenset({"http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"})
_CHAPTERS = frozenset({"application/xhtml+xml", "text/html", "text/x-oeb1-document"})
_DECLARED_ENCODING = re.compile(rb"""(?:\xef\xbb\xbf)?<\?xml[^>]{0,100}?encoding=["']([\w.:-]{1,40})["']""")
_SELF_CLOSED = re.compile(r"<([A-Za-z][\w:.-]*)([^<>]*?)\s*/>")
_VOID = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "wbr")
)
_LABEL = "EPUB file"


def parse_epub(body: bytes) -> ExtractedText:
    archive = Archive(body, label=_LABEL)
    _refuse_encrypted(archive)
    name = _package_name(archive)
    package = archive.tree(name)
    if package is None:
        raise _without_book()
    builder = TextBuilder()
    for chapter in _chapter_names(package, dirname(name)):
        markup = archive.read(chapter)
        if markup is None:
            raise CorruptDocument(
                f"The EPUB file lacks its chapter {chapter[:200]}. Send the original again."
            )
        builder.open_page()
        add_whole_html(builder, _opened(_decoded(markup)))
    return builder.finish(EPUB, one_line(package.findtext(f".//{_TITLE}") or ""))


def _refuse_encrypted(archive: Archive) -> None:
    encryption = archive.tree("META-INF/encryption.xml")
    for data in [] if encryption is None else encryption.iter(f"{_XML_ENCRYPTION}EncryptedData"):
        method = data.find(f"{_XML_ENCRYPTION}EncryptionMethod")
        if method is None or method.get("Algorithm") not in _FONT_SCRAMBLING:
            raise EncryptedDocument(
                "The book is protected against copying (DRM). Send one without protection."
            )


def _package_name(archive: Archive) -> str:
    container = archive.tree(_CONTAINER)
    root = None if container is None else next(container.iter(_ROOT_FILE), None)
    path: str = "" if root is None else root.get("full-path", "")
    if not path:
        raise _without_book()
    return normpath(path)


def _chapter_names(package: etree._Element, folder: str) -> Iterator[str]:
    items = {item.get("id"): item for item in package.iterfind(f"{_OPF}manifest/{_OPF}item")}
    for reference in package.iterfind(f"{_OPF}spine/{_OPF}itemref"):
        item = items.get(reference.get("idref"))
        if item is None:
            raise _without_book()
        is_contents = "nav" in item.get("properties", "").split()
        if item.get("media-type") in _CHAPTERS and not is_contents:
            yield normpath(join(folder, unquote(item.get("href", "").partition("#")[0])))


def _decoded(markup: bytes) -> str:
    declared = _DECLARED_ENCODING.match(markup)
    if declared is None:
        return decode_html(markup)
    try:
        return markup.decode(declared[1].decode("ascii"))
    except (UnicodeError, LookupError):
        return decode_html(markup)


def _opened(markup: str) -> str:
    """XHTML's <title/> and <a id="p1"/> as a reader of HTML must find them: <title></title>."""
    return _SELF_CLOSED.sub(
        lambda match: match[0] if match[1].lower() in _VOID else f"<{match[1]}{match[2]}></{match[1]}>",
        markup,
    )


def _without_book() -> CorruptDocument:
    return CorruptDocument("The EPUB file does not say where its chapters are. Send the original again.")
