"""A small file and what a reader of it sees: phrases, their order and page, rows under their header."""

import io
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Row = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Golden:
    """`make` writes the file, `name` is what it is called.

    `text`: the whole text, where one reading alone is right. `present`: phrases in the order in which they
    are read, each once or more. `absent`: what nobody reads on the page. `rows`: cells that stand in one
    row; with `header`, the columns' names that must stand above it. `pages`: the page on which a phrase
    stands. `headings` in order. `code`: the failure that is right for the file.
    """

    name: str
    make: Callable[[], bytes]
    text: str | None = None
    title: str | None = None
    present: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    header: Row = ()
    rows: tuple[Row, ...] = ()
    headings: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    pages: tuple[tuple[str, int], ...] = ()
    page_count: int | None = None
    code: str | None = None


def packed(parts: Mapping[str, str | bytes], stored: str = "") -> bytes:
    """A zip archive; the member `stored` comes first and uncompressed, as OpenDocument and EPUB want."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(parts, key=lambda each: each != stored):
            info = zipfile.ZipInfo(name, date_time=(2026, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_STORED if name == stored else zipfile.ZIP_DEFLATED
            archive.writestr(info, parts[name])
    return buffer.getvalue()
