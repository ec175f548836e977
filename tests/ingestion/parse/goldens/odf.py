"""OpenDocument files written by hand."""

from tests.ingestion.parse.goldens.golden import packed

_NAMES = {
    "office": "office:1.0",
    "text": "text:1.0",
    "table": "table:1.0",
    "style": "style:1.0",
    "draw": "drawing:1.0",
    "presentation": "presentation:1.0",
    "svg": "svg-compatible:1.0",
    "meta": "meta:1.0",
}
NAMESPACES = " ".join(
    f'xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{name}"' for prefix, name in _NAMES.items()
)
_MANIFEST = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"


def odf(kind: str, body: str, *, styles: str = "", title: str = "", encrypted: bool = False) -> bytes:
    """`kind`: text, presentation or spreadsheet."""
    entry = "<m:encryption-data/>" if encrypted else ""
    content = (
        f"<office:document-content {NAMESPACES}><office:automatic-styles>{styles}</office:automatic-styles>"
        f"<office:body><office:{kind}>{body}</office:{kind}></office:body></office:document-content>"
    )
    properties = (
        f'<office:document-meta {NAMESPACES} xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<office:meta><dc:title>{title}</dc:title></office:meta></office:document-meta>"
    )
    return packed(
        {
            "mimetype": f"application/vnd.oasis.opendocument.{kind}",
            "content.xml": b"\x93\x07 cipher" if encrypted else content,
            "meta.xml": properties,
            "META-INF/manifest.xml": f'<m:manifest xmlns:m="{_MANIFEST}"><m:file-entry>{entry}</m:file-entry>'
            "</m:manifest>",
        },
        stored="mimetype",
    )


def ods_cell(text: str) -> str:
    return f"<table:table-cell><text:p>{text}</text:p></table:table-cell>"
