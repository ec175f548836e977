"""The JSON side-car `<key>.metadata.json` that gives an object's title, media type and metadata."""

import json
from typing import Any

from rag.domain.attributes import storable_metadata, storable_text
from rag.domain.documents import Attributes
from rag.errors import InvalidSidecar

SUFFIX = ".metadata.json"


def dump(attributes: Attributes) -> bytes | None:
    """The side-car's bytes, None where there is nothing to say."""
    content = {
        "title": attributes.title,
        "media_type": attributes.media_type,
        "metadata": attributes.metadata or None,
    }
    said = {name: value for name, value in content.items() if value is not None}
    return json.dumps(said, ensure_ascii=False, indent=2).encode() if said else None


def parse(body: bytes) -> Attributes:
    """Raises InvalidSidecar."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidSidecar("The side-car file is not valid JSON.") from error
    if not isinstance(content, dict):
        raise InvalidSidecar("The side-car file must be a JSON object.")
    if unknown := content.keys() - {"title", "media_type", "metadata"}:
        raise InvalidSidecar(f"The side-car file has unknown fields: {', '.join(sorted(unknown))}.")
    try:
        return Attributes(
            title=_optional_text(content, "title"),
            media_type=_optional_text(content, "media_type"),
            metadata=storable_metadata(content.get("metadata", {})),
        )
    except ValueError as error:
        raise InvalidSidecar(f"A value in the side-car file cannot be stored: it {error}.") from error


def _optional_text(content: dict[str, Any], name: str) -> str | None:
    value = content.get(name)
    return None if value is None else storable_text(value)
