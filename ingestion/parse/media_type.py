"""Which format a file is in: by its content first, then by what was declared, then by its name."""

import re
import zipfile
from io import BytesIO
from pathlib import PurePosixPath

from rag.errors import CorruptDocument, EncryptedDocument, UnsupportedMediaType

PLAIN = "text/plain"
MARKDOWN = "text/markdown"
HTML = "text/html"
PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

_SUPPORTED = "Plain text, Markdown, HTML, PDF and DOCX can be ingested"

_TYPES_BY_SUFFIX = {
    ".txt": PLAIN,
    ".text": PLAIN,
    ".md": MARKDOWN,
    ".markdown": MARKDOWN,
    ".html": HTML,
    ".htm": HTML,
    ".xhtml": HTML,
    ".pdf": PDF,
    ".docx": DOCX,
    ".csv": "text/csv",
    ".tsv": "text/tab-separated-values",
    ".json": "application/json",
    ".jsonl": "application/jsonl",
    ".ndjson": "application/jsonl",
    ".xml": "application/xml",
    ".eml": "message/rfc822",
    ".rtf": "application/rtf",
    ".svg": "image/svg+xml",
    ".doc": "application/msword",
    ".xls": "application/vnd.ms-excel",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".ppt": "application/vnd.ms-powerpoint",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ".odt": "application/vnd.oasis.opendocument.text",
    ".epub": "application/epub+zip",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".zip": "application/zip",
}
_SYNONYMS = {
    "text/x-markdown": MARKDOWN,
    "application/xhtml+xml": HTML,
    "application/x-pdf": PDF,
    "text/json": "application/json",
    "application/x-ndjson": "application/jsonl",
    "text/xml": "application/xml",
    "text/rtf": "application/rtf",
}
_SAYS_NOTHING = frozenset({"", PLAIN, "application/octet-stream", "binary/octet-stream"})
_REFUSED_TEXT = {
    "text/csv": "a CSV table",
    "text/tab-separated-values": "a TSV table",
    "application/json": "JSON",
    "application/jsonl": "JSON lines",
    "application/xml": "XML",
    "message/rfc822": "an e-mail",
    "application/rtf": "RTF",
    "image/svg+xml": "an SVG drawing",
}
_SIGNATURES = (
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"II*\x00", "a TIFF image"),
    (b"MM\x00*", "a TIFF image"),
    (b"{\\rtf", "RTF"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
    (b"OggS", "a sound or a film"),
    (b"ID3", "a sound"),
    (b"SQLite format 3", "a database"),
)
_ARCHIVED = (
    ("ppt/", "a PowerPoint presentation"),
    ("xl/", "an Excel workbook"),
    ("META-INF/container.xml", "an EPUB book"),
    ("content.xml", "an OpenDocument file"),
)
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")
_UNICODE_BOMS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff", b"\xef\xbb\xbf")
_PROBE = 4096
_HTML_OPENING = re.compile(
    r"\s*(?:<\?xml[^>]{0,200}>\s*)?(?:<!--(?:[^-]|-(?!->)){0,2000}-->\s*)*"
    r"<(?:!doctype\s+html|html|head|body)\b",
    re.IGNORECASE,
)
_PDF_OPENING = re.compile(rb"[\s\x00\xef\xbb\xbf]{0,1024}%PDF-")
_XML_OPENING = re.compile(r"\s*<\?xml\s", re.IGNORECASE)
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_MOST_CONTROL_CHARACTERS = 0.01


def media_type(body: bytes, *, name: str, declared: str | None = None) -> str:
    """The format of the file, one of the constants of this module.

    Raises UnsupportedMediaType, CorruptDocument (a text that calls itself a PDF), EncryptedDocument.
    """
    said = _said(name, declared)
    if _PDF_OPENING.match(body) or (said == PDF and b"%PDF-" in body[:_PROBE]):
        return PDF
    if body.startswith(_ZIP):
        return _archive_type(body)
    if body.startswith(_OLE):
        raise _ole_error(body)
    if not is_text(body):
        raise _binary_error(body, said)
    return _text_type(body, said, name)


def is_text(body: bytes) -> bool:
    """Whether the bytes are text in some encoding."""
    if any(body.startswith(signature) for signature, _ in _SIGNATURES):
        return False
    if body.startswith(_UNICODE_BOMS) or utf16_without_bom(body):
        return True
    probe = body[:_PROBE]
    return b"\0" not in body and len(_CONTROL.findall(probe)) <= len(probe) * _MOST_CONTROL_CHARACTERS


def utf16_without_bom(body: bytes) -> str | None:
    """The UTF-16 variant of Latin text, told by its zero bytes: every second one."""
    probe = body[: _PROBE - _PROBE % 2]
    even, odd = probe[::2].count(0), probe[1::2].count(0)
    if odd > len(probe) * 0.35 and even == 0:
        return "utf-16-le"
    if even > len(probe) * 0.35 and odd == 0:
        return "utf-16-be"
    return None


def _said(name: str, declared: str | None) -> str:
    """What the sender says it is: the declared type where it says anything, else the name's."""
    essence = (declared or "").partition(";")[0].strip().lower()
    stated = _SYNONYMS.get(essence, essence)
    if stated not in _SAYS_NOTHING:
        return stated
    return _TYPES_BY_SUFFIX.get(PurePosixPath(name).suffix.lower(), stated)


def _archive_type(body: bytes) -> str:
    try:
        with zipfile.ZipFile(BytesIO(body)) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError, OSError) as error:
        raise CorruptDocument("The file is a damaged archive. Send the original again.") from error
    if any(name.startswith("word/") for name in names):
        return DOCX
    for prefix, label in _ARCHIVED:
        if any(name.startswith(prefix) for name in names):
            raise _unsupported(label)
    raise _unsupported("an archive", "Unpack it and send its files one by one.")


def _ole_error(body: bytes) -> UnsupportedMediaType | EncryptedDocument:
    if _ENCRYPTED_PACKAGE in body:
        return EncryptedDocument(
            "The file is protected by a password. Remove the password and send it again."
        )
    return _unsupported("a file of an old Office version", "Save it as DOCX or PDF.")


def _binary_error(body: bytes, said: str) -> UnsupportedMediaType | CorruptDocument:
    for signature, label in _SIGNATURES:
        if body.startswith(signature):
            return _unsupported(label, "Export the text as PDF or DOCX.")
    if said in {PDF, DOCX}:
        return CorruptDocument(
            f"The file calls itself {said}, but its content is not. Send the original again."
        )
    return _unsupported("an unknown binary format", "Export the text as PDF or DOCX.")


def _text_type(body: bytes, said: str, name: str) -> str:
    if said in {PDF, DOCX}:
        raise CorruptDocument(
            f"The file calls itself {said}, but its content is text. Send the original again."
        )
    if said in _REFUSED_TEXT:
        raise _unsupported(_REFUSED_TEXT[said])
    if said != PLAIN and said in _TYPES_BY_SUFFIX.values() and not said.startswith("text/"):
        raise _unsupported(f"text that calls itself {said}", "Send the original under its true name.")
    if PurePosixPath(name).suffix.lower() in {".txt", ".text"} and said == PLAIN:
        return PLAIN
    opening = body[:_PROBE].replace(b"\0", b"").decode("ascii", "ignore")
    if said == HTML or _HTML_OPENING.match(opening):
        return HTML
    if said != MARKDOWN and _XML_OPENING.match(opening):
        raise _unsupported("XML")
    return MARKDOWN if said == MARKDOWN else PLAIN


def _unsupported(label: str, advice: str = "Convert it to one of these.") -> UnsupportedMediaType:
    return UnsupportedMediaType(f"This is {label}. {_SUPPORTED}. {advice}")
