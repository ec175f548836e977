"""From what was typed to what the API wants."""

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from app.cli.exits import RequestFailed, WrongUsage
from rag.domain.keys import validate_collection_name

if TYPE_CHECKING:
    from app.cli.client import Client

_NOT_FOUND = 404


def parse_filter(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    try:
        condition = json.loads(text)
    except ValueError as error:
        raise WrongUsage(f"--filter is not valid JSON ({error}). Put it in single quotes.") from error
    if not isinstance(condition, dict):
        raise WrongUsage('--filter is not a JSON object. Write {"field": …, "op": …, "value": …}.')
    return condition


def collection_path(name: str) -> str:
    """Raises InvalidRequest."""
    return f"/v1/collections/{validate_collection_name(name)}"


def find_document(client: "Client", reference: str) -> dict[str, Any]:
    """By `collection/key` or id. Raises RequestFailed with status 404."""
    collection, slash, key = reference.partition("/")
    if not slash:
        document: dict[str, Any] = client.get(f"/v1/documents/{quote(reference, safe='')}")
        return document
    for found in client.pages(f"{collection_path(collection)}/documents", key_prefix=key):
        if found["key"] == key:
            return found
    raise RequestFailed(
        f"There is no document {key!r} in the collection {collection!r}."
        f" `acervo documents -c {collection}` lists those there are.",
        status=_NOT_FOUND,
        problem="document_not_found",
    )
