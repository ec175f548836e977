"""The names of the formats, and which of them a sender says a file is in."""

from pathlib import PurePosixPath

PLAIN = "text/plain"
MARKDOWN = "text/markdown"
HTML = "text/html"
CSV = "text/csv"
TSV = "text/tab-separated-values"
JSON = "application/json"
JSONL = "application/jsonl"
XML = "application/xml"
PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
ODT = "application/vnd.oasis.opendocument.text"
ODP = "application/vnd.oasis.opendocument.presentation"
ODS = "application/vnd.oasis.opendocument.spreadsheet"
EPUB = "application/epub+zip"
RTF = "application/rtf"
EML = "message/rfc822"
PNG = "image/png"
JPEG = "image/jpeg"
TIFF = "image/tiff"
# What text recognition can read; without it, images have no text.
IMAGES = frozenset({PNG, JPEG, TIFF})
# Formats that are never text: a text that calls itself one of them is not the file that was meant.
BINARY = frozenset({PDF, DOCX, XLSX, PPTX, ODT, ODP, ODS, EPUB})
SVG = "image/svg+xml"

_TYPES_BY_SUFFIX = {
    ".txt": PLAIN,
    ".text": PLAIN,
    ".md": MARKDOWN,
    ".markdown": MARKDOWN,
    ".html": HTML,
    ".htm": HTML,
    ".xhtml": HTML,
    ".csv": CSV,
    ".tsv": TSV,
    ".tab": TSV,
    ".json": JSON,
    ".geojson": JSON,
    ".jsonl": JSONL,
    ".ndjson": JSONL,
    ".xml": XML,
    ".rss": XML,
    ".atom": XML,
    ".pdf": PDF,
    ".docx": DOCX,
    ".docm": DOCX,
    ".dotx": DOCX,
    ".xlsx": XLSX,
    ".xlsm": XLSX,
    ".xltx": XLSX,
    ".pptx": PPTX,
    ".pptm": PPTX,
    ".ppsx": PPTX,
    ".odt": ODT,
    ".odp": ODP,
    ".ods": ODS,
    ".epub": EPUB,
    ".rtf": RTF,
    ".eml": EML,
    ".svg": SVG,
    ".png": PNG,
    ".jpg": JPEG,
    ".jpeg": JPEG,
    ".tif": TIFF,
    ".tiff": TIFF,
    ".gif": "image/gif",
    ".bmp": "image/bmp",
    ".webp": "image/webp",
    ".doc": "application/msword",
    ".xls": "application/vnd.ms-excel",
    ".ppt": "application/vnd.ms-powerpoint",
    ".msg": "application/vnd.ms-outlook",
    ".zip": "application/zip",
}
_SYNONYMS = {
    "text/x-markdown": MARKDOWN,
    "application/xhtml+xml": HTML,
    "application/csv": CSV,
    "text/x-csv": CSV,
    "text/tsv": TSV,
    "application/x-pdf": PDF,
    "text/json": JSON,
    "application/geo+json": JSON,
    "application/x-ndjson": JSONL,
    "application/jsonlines": JSONL,
    "application/x-jsonlines": JSONL,
    "text/xml": XML,
    "application/rss+xml": XML,
    "application/atom+xml": XML,
    "text/rtf": RTF,
    "application/x-rtf": RTF,
    "image/jpg": JPEG,
}
_SAYS_NOTHING = frozenset({"", PLAIN, "application/octet-stream", "binary/octet-stream"})
KNOWN = frozenset(_TYPES_BY_SUFFIX.values())


def stated_type(name: str, declared: str | None) -> str:
    """What the sender says it is: the declared type where it says anything, else the name's; may be ""."""
    essence = (declared or "").partition(";")[0].strip().lower()
    stated = _SYNONYMS.get(essence, essence)
    if stated not in _SAYS_NOTHING:
        return stated
    return _TYPES_BY_SUFFIX.get(suffix(name), stated)


def suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower()
