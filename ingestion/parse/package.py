"""A document that is a zip archive: its members read within limits, its XML without entities or network."""

import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import PurePosixPath
from posixpath import normpath

from lxml import etree

from ingestion.parse.limits import MAX_ARCHIVE_MEMBERS, MAX_MEMBER_BYTES
from rag.errors import CorruptDocument, DocumentTooLarge, EncryptedDocument

# Many members, each within its limit, are a bomb together.
MAX_READ_BYTES = 5 * MAX_MEMBER_BYTES

_RELATIONSHIP = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"
_TITLE = "{http://purl.org/dc/elements/1.1/}title"
_CORE_PROPERTIES = "docProps/core.xml"
_ENCRYPTED = 0x1  # a member's flag
# ISO 29500 "strict" files name the same elements in other namespaces.
_STRICT = re.compile(rb"http://purl\.oclc\.org/ooxml/(\w+)/(\w+)")
_TRANSITIONAL = rb"http://schemas.openxmlformats.org/\1/2006/\2"


class Archive:
    """`label` is what messages call the file, such as "DOCX file".

    Raises CorruptDocument, DocumentTooLarge and EncryptedDocument, here and from every method.
    """

    def __init__(self, body: bytes, *, label: str) -> None:
        self._label = label
        self._left = MAX_READ_BYTES
        try:
            self._archive = zipfile.ZipFile(BytesIO(body))
        except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError, OSError) as error:
            raise self.damaged() from error
        if len(self._archive.namelist()) > MAX_ARCHIVE_MEMBERS:
            raise DocumentTooLarge(f"The {label} holds more than {MAX_ARCHIVE_MEMBERS:,} parts.")

    def damaged(self) -> CorruptDocument:
        return CorruptDocument(
            f"The {self._label} is damaged. Open it in the program it comes from and save it again."
        )

    def read(self, name: str) -> bytes | None:
        """None where there is no such member."""
        try:
            info = self._archive.getinfo(name)
        except KeyError:
            return None
        if info.flag_bits & _ENCRYPTED:
            raise EncryptedDocument(
                f"The {self._label} is protected by a password. Remove it and send again."
            )
        limit = min(MAX_MEMBER_BYTES, self._left)
        data = b"" if info.file_size > limit else self._unpacked(info, limit + 1)
        if max(info.file_size, len(data)) > limit:
            raise DocumentTooLarge(f"The {self._label} unpacks to more than {limit // 10**6} MB.")
        self._left -= len(data)
        return data

    def tree(self, name: str) -> etree._Element | None:
        """None where there is no such member."""
        data = self.read(name)
        return None if data is None else self.parsed(data)

    def _unpacked(self, info: zipfile.ZipInfo, size: int) -> bytes:
        try:
            with self._archive.open(info) as member:
                return member.read(size)
        except (
            zipfile.BadZipFile,
            zlib.error,
            EOFError,
            OSError,
            ValueError,
            RuntimeError,  # NotImplementedError, a compression nobody uses, is one
        ) as error:
            raise self.damaged() from error

    def parsed(self, data: bytes) -> etree._Element:
        parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False)
        try:
            return etree.fromstring(_as_transitional(data), parser)
        except (etree.XMLSyntaxError, ValueError) as error:
            raise self.damaged() from error


def _as_transitional(data: bytes) -> bytes:
    return _STRICT.sub(_TRANSITIONAL, data) if b"http://purl." in data else data


@dataclass(frozen=True, kw_only=True)
class Relationship:
    id: str
    kind: str
    target: str


class OfficePackage(Archive):
    """The parts of DOCX and PPTX, which point to each other by relationships."""

    def __init__(self, body: bytes, *, label: str, main: str) -> None:
        super().__init__(body, label=label)
        self._relationships: dict[str, tuple[Relationship, ...]] = {}
        self.main_name = self.target("", "officeDocument") or main

    def main(self) -> etree._Element:
        tree = self.tree(self.main_name)
        if tree is None:
            raise CorruptDocument(f"The {self._label} has no document inside. Send the original again.")
        return tree

    def related(self, source: str, kind: str) -> etree._Element | None:
        """The part that the part `source` names by a relationship, such as "styles"."""
        target = self.target(source, kind)
        return self.tree(target) if target else None

    def target(self, source: str, kind: str) -> str | None:
        """The name of the part that `source` ("" for the package) names by a relationship of this kind."""
        return next((each.target for each in self.relationships(source) if each.kind == kind), None)

    def relationships(self, source: str) -> Sequence[Relationship]:
        found = self._relationships.get(source)
        if found is None:
            found = self._relationships[source] = tuple(self._read_relationships(PurePosixPath(source)))
        return found

    def _read_relationships(self, source: PurePosixPath) -> Iterator[Relationship]:
        tree = self.tree(str(source.parent / "_rels" / f"{source.name}.rels"))
        for element in [] if tree is None else tree.iter(_RELATIONSHIP):
            yield Relationship(
                id=element.get("Id", ""),
                kind=element.get("Type", "").rpartition("/")[2],
                target=normpath(str(source.parent / element.get("Target", ""))).lstrip("/"),
            )

    def title(self) -> str | None:
        """The title in the file's properties."""
        core = self.tree(_CORE_PROPERTIES)
        title = None if core is None else core.findtext(_TITLE)
        return (title or "").strip() or None
