"""The parts of an OpenDocument archive."""

from ingestion.parse.odt_styles import Styles
from ingestion.parse.odt_text import OFFICE
from ingestion.parse.package import Archive
from rag.errors import CorruptDocument, EncryptedDocument

_ENCRYPTION = "{urn:oasis:names:tc:opendocument:xmlns:manifest:1.0}encryption-data"
_TITLE = "{http://purl.org/dc/elements/1.1/}title"


class OpenDocument:
    """Raises CorruptDocument, EncryptedDocument, DocumentTooLarge."""

    def __init__(self, body: bytes, *, label: str, kind: str) -> None:
        self._archive = Archive(body, label=label)
        manifest = self._archive.tree("META-INF/manifest.xml")
        if manifest is not None and next(manifest.iter(_ENCRYPTION), None) is not None:
            raise EncryptedDocument(
                f"The {label} is protected by a password. Remove the password and send it again."
            )
        content = self._archive.tree("content.xml")
        found = None if content is None else content.find(f"{OFFICE}body/{OFFICE}{kind}")
        if found is None:
            raise CorruptDocument(f"The {label} has no document inside. Send the original again.")
        self.body = found
        self.styles = Styles(self._archive.tree("styles.xml"), content)

    def title(self) -> str | None:
        """The title in the file's properties."""
        properties = self._archive.tree("meta.xml")
        return None if properties is None else properties.findtext(f"{OFFICE}meta/{_TITLE}")
