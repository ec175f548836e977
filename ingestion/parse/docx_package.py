"""The parts of a DOCX archive, read within limits, as XML trees without entities or network."""

import re
import zipfile
import zlib
from io import BytesIO
from pathlib import PurePosixPath
from posixpath import normpath

from lxml import etree

from ingestion.parse.limits import MAX_ARCHIVE_MEMBERS, MAX_MEMBER_BYTES
from rag.errors import CorruptDocument, DocumentTooLarge

_DAMAGED = "The DOCX file is damaged. Open and save it again in a word processor."
_RELATIONSHIP = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"
# ISO 29500 "strict" files name the same elements in other namespaces.
_STRICT = re.compile(
    rb"http://purl\.oclc\.org/ooxml/(wordprocessingml/main|officeDocument/(?:math|relationships))"
)
_TRANSITIONAL = {
    b"wordprocessingml/main": b"http://schemas.openxmlformats.org/wordprocessingml/2006/main",
    b"officeDocument/math": b"http://schemas.openxmlformats.org/officeDocument/2006/math",
    b"officeDocument/relationships": b"http://schemas.openxmlformats.org/officeDocument/2006/relationships",
}


class Package:
    """Raises CorruptDocument and DocumentTooLarge, here and from every method."""

    def __init__(self, body: bytes) -> None:
        try:
            self._archive = zipfile.ZipFile(BytesIO(body))
        except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError, OSError) as error:
            raise CorruptDocument(_DAMAGED) from error
        if len(self._archive.namelist()) > MAX_ARCHIVE_MEMBERS:
            raise DocumentTooLarge(f"The DOCX file holds more than {MAX_ARCHIVE_MEMBERS:,} parts.")
        self._main = self._target("", "officeDocument") or "word/document.xml"

    def main(self) -> etree._Element:
        tree = self.part(self._main)
        if tree is None:
            raise CorruptDocument("The DOCX file has no document inside. Send the original again.")
        return tree

    def related(self, kind: str) -> etree._Element | None:
        """The part that the main document names by a relationship, such as "styles"."""
        target = self._target(self._main, kind)
        return self.part(target) if target else None

    def part(self, name: str) -> etree._Element | None:
        """None where there is no such part."""
        data = self._read(name)
        if data is None:
            return None
        parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False)
        try:
            return etree.fromstring(_STRICT.sub(lambda match: _TRANSITIONAL[match[1]], data), parser)
        except (etree.XMLSyntaxError, ValueError) as error:
            raise CorruptDocument(_DAMAGED) from error

    def _read(self, name: str) -> bytes | None:
        try:
            info = self._archive.getinfo(name)
            if info.file_size > MAX_MEMBER_BYTES:
                raise _too_large()
            with self._archive.open(info) as member:
                data = member.read(MAX_MEMBER_BYTES + 1)
        except KeyError:
            return None
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError) as error:
            raise CorruptDocument(_DAMAGED) from error
        if len(data) > MAX_MEMBER_BYTES:
            raise _too_large()
        return data

    def _target(self, source: str, kind: str) -> str | None:
        """Where the part `source` ("" for the package) points with a relationship of this kind."""
        folder = PurePosixPath(source).parent
        relationships = self.part(str(folder / "_rels" / f"{PurePosixPath(source).name}.rels"))
        if relationships is None:
            return None
        for relationship in relationships.iter(_RELATIONSHIP):
            if relationship.get("Type", "").endswith(f"/{kind}"):
                return normpath(str(folder / relationship.get("Target", ""))).lstrip("/")
        return None


def _too_large() -> DocumentTooLarge:
    return DocumentTooLarge(f"A part of the DOCX file unpacks to more than {MAX_MEMBER_BYTES // 10**6} MB.")
