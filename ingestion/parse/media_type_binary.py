"""Which format a file that is no text is in: by its first bytes, by the members of its archive."""

import re
import zipfile
import zlib
from io import BytesIO

from ingestion.parse.media_type import (
    BINARY,
    DOCX,
    EPUB,
    IMAGES,
    JPEG,
    ODP,
    ODS,
    ODT,
    PNG,
    PPTX,
    RTF,
    TIFF,
    XLSX,
)
from rag.errors import CorruptDocument, EncryptedDocument, UnsupportedMediaType

_SUPPORTED = (
    "PDF, DOCX, PPTX, XLSX, ODT, EPUB, RTF, HTML, Markdown, plain text, CSV, TSV, JSON, JSON lines, XML"
    " and EML can be ingested"
)
_EXPORT = "Export the text as PDF or DOCX."
_SIGNATURES = (
    (b"\x89PNG", PNG),
    (b"\xff\xd8\xff", JPEG),
    (b"II*\x00", TIFF),
    (b"MM\x00*", TIFF),
    (b"{\\rtf", RTF),
)
_REFUSED_SIGNATURES = (
    (b"GIF8", "a GIF image", "Save it as PNG or JPEG."),
    (b"BM", "a BMP image", "Save it as PNG or JPEG."),
    (b"RIFF", "a WebP image, a sound or a film", _EXPORT),
    (b"\x1f\x8b", "a gzip archive", "Unpack it and send its files one by one."),
    (b"BZh", "a bzip2 archive", "Unpack it and send its files one by one."),
    (b"Rar!", "a RAR archive", "Unpack it and send its files one by one."),
    (b"7z\xbc\xaf", "a 7z archive", "Unpack it and send its files one by one."),
    (b"\x7fELF", "a program", _EXPORT),
    (b"MZ\x90", "a program", _EXPORT),
    (b"OggS", "a sound or a film", _EXPORT),
    (b"ID3", "a sound", _EXPORT),
    (b"SQLite format 3", "a database", _EXPORT),
    (b"PAR1", "a Parquet file", "Export it as CSV or JSON lines."),
)
_PLAIN_ENOUGH = frozenset({b"BM", b"RIFF", b"ID3", b"BZh", b"PAR1", b"Rar!"})  # may open a text as well
# What an archive's members, or the types they are declared as, say of the whole.
_MEMBERS = (
    ("word/", DOCX),
    ("ppt/", PPTX),
    ("xl/workbook.bin", None),
    ("xl/", XLSX),
    ("META-INF/container.xml", EPUB),
)
_CONTENT_TYPES = (
    (re.compile(rb"wordprocessingml|ms-word\.document"), DOCX),
    (re.compile(rb"presentationml|ms-powerpoint\.presentation"), PPTX),
    (re.compile(rb"spreadsheetml|ms-excel\.sheet"), XLSX),
)
_MIMETYPES = {EPUB: EPUB} | {
    f"{each}{variant}": each for each in (ODT, ODP, ODS) for variant in ("", "-template")
}
_PROBED_BYTES = 1_000_000
_OLE_STREAMS = (
    ("WordDocument", "a file of Word 97–2003 (DOC)", "Save it as DOCX."),
    ("PowerPoint Document", "a file of PowerPoint 97–2003 (PPT)", "Save it as PPTX."),
    ("__substg1.0_", "an Outlook message (MSG)", "Save it as EML."),
    ("Workbook", "a file of Excel 97–2003 (XLS)", "Save it as XLSX."),
    ("Book", "a file of Excel 5.0/95 (XLS)", "Save it as XLSX."),
)


def signature_type(body: bytes, *, as_text: bool) -> str | None:
    """The format that the first bytes name. `as_text`: all the rest could be text."""
    for signature, found in _SIGNATURES:
        if body.startswith(signature):
            return found
    for signature, label, advice in _REFUSED_SIGNATURES:
        if body.startswith(signature) and not (as_text and signature in _PLAIN_ENOUGH):
            raise unsupported(label, advice)
    return None


def archive_type(body: bytes) -> str:
    try:
        with zipfile.ZipFile(BytesIO(body)) as archive:
            found = _member_type(archive)
    except (
        zipfile.BadZipFile,
        ValueError,
        EOFError,
        OSError,
        RuntimeError,  # NotImplementedError, a compression nobody uses, is one
        zlib.error,
    ) as error:
        raise CorruptDocument("The file is a damaged archive. Send the original again.") from error
    return found


def _member_type(archive: zipfile.ZipFile) -> str:
    names = archive.namelist()
    if found := _MIMETYPES.get(_start(archive, "mimetype").decode("ascii", "ignore").strip()):
        return found
    for prefix, media_type in _MEMBERS:
        if any(name.startswith(prefix) for name in names):
            if media_type is None:
                raise unsupported("a binary Excel workbook (XLSB)", "Save it as XLSX.")
            return media_type
    declared = _start(archive, "[Content_Types].xml")
    for pattern, media_type in _CONTENT_TYPES:
        if pattern.search(declared):
            return media_type
    raise _refused_archive(names)


def _start(archive: zipfile.ZipFile, name: str) -> bytes:
    """The first bytes of a member; none where there is no such member or it is encrypted."""
    if name not in archive.namelist() or archive.getinfo(name).flag_bits & 1:
        return b""
    with archive.open(name) as member:
        return member.read(_PROBED_BYTES)


def _refused_archive(names: list[str]) -> UnsupportedMediaType:
    if any(name.endswith(".iwa") for name in names):
        return unsupported("a file of Apple's Pages, Numbers or Keynote", _EXPORT)
    if "content.xml" in names:
        return unsupported("an OpenDocument file that is no text", _EXPORT)
    return unsupported("an archive", "Unpack it and send its files one by one.")


def ole_error(body: bytes) -> UnsupportedMediaType | EncryptedDocument:
    if _utf16("EncryptedPackage") in body:
        return EncryptedDocument(
            "The file is protected by a password. Remove the password and send it again."
        )
    for stream, label, advice in _OLE_STREAMS:
        if _utf16(stream) in body:
            return unsupported(label, advice)
    return unsupported("a file of an old Office version", "Save it as DOCX or PDF.")


def _utf16(name: str) -> bytes:
    return name.encode("utf-16-le")


def binary_error(stated: str) -> UnsupportedMediaType | CorruptDocument:
    if stated in BINARY | IMAGES:
        return CorruptDocument(
            f"The file calls itself {stated}, but its content is not. Send the original again."
        )
    return unsupported("an unknown binary format", _EXPORT)


def unsupported(label: str, advice: str = "Convert it to one of these.") -> UnsupportedMediaType:
    return UnsupportedMediaType(f"This is {label}. {_SUPPORTED}. {advice}")
