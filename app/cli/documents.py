"""`acervo documents`: what there is, and how each document fares."""

import time
from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

from typer import Context, Exit, Option, Typer

from app.cli.arguments import collection_path, find_document
from app.cli.connection import connect
from app.cli.exits import ExitCode, RequestFailed
from app.cli.options import AsJson, Collections, DataDir, DocumentReference, Server
from app.cli.output import note, say, say_json, say_table, status

if TYPE_CHECKING:
    from app.cli.client import Client

_GONE = 404
# Between two looks at a document that is being erased, seconds.
_INTERVAL = 0.2
_PATIENCE = 30.0


class Status(StrEnum):
    PENDING = "pending"
    PROCESSING = "processing"
    READY = "ready"
    FAILED = "failed"
    DELETING = "deleting"


documents = Typer(
    invoke_without_command=True,
    epilog="""\b
Examples:
  acervo documents
  acervo documents --collection manual --status failed
  acervo documents delete manual/pt/manual-do-produto.md
  acervo documents retry manual/scan.pdf
""",
)


@documents.callback()
def documents_list(
    context: Context,
    *,
    collections: Collections = None,
    wanted: Annotated[Status | None, Option("--status", help="Only documents in this state.")] = None,
    key_prefix: Annotated[
        str | None, Option("--key-prefix", metavar="TEXT", help="Only keys that begin like this.")
    ] = None,
    as_json: AsJson = False,
    server: Server = None,
    data_dir: DataDir = None,
) -> None:
    """List documents; `delete` and `retry` change them."""
    if context.invoked_subcommand is not None:
        return
    with connect(context, server, data_dir) as client:
        found = list(_documents(client, collections, status=wanted, key_prefix=key_prefix))
    if as_json:
        say_json({"data": found})
    elif found:
        say_table(_COLUMNS, [_row(document) for document in found])
    else:
        note("No documents. `acervo ingest PATH --collection NAME` adds some.")


@documents.command("delete", epilog="\b\nExample:\n  acervo documents delete manual/old-prices.pdf")
def documents_delete(
    context: Context,
    *,
    reference: DocumentReference,
    as_json: AsJson = False,
    server: Server = None,
    data_dir: DataDir = None,
) -> None:
    """Delete a document with everything that was made of it."""
    with connect(context, server, data_dir) as client:
        document = find_document(client, reference)
        client.delete(f"/v1/documents/{document['id']}")
        with status(f"Deleting {reference}"):
            _wait_until_gone(client, document["id"])
    if as_json:
        say_json({"id": document["id"], "deleted": True})
    else:
        say(f"Deleted {document['collection']}/{document['key']}.")


@documents.command("retry", epilog="\b\nExample:\n  acervo documents retry manual/scan.pdf")
def documents_retry(
    context: Context,
    *,
    reference: DocumentReference,
    as_json: AsJson = False,
    server: Server = None,
    data_dir: DataDir = None,
) -> None:
    """Try a failed document again, and wait for what comes of it."""
    with connect(context, server, data_dir) as client:
        document = find_document(client, reference)
        client.post(f"/v1/documents/{document['id']}/retry")
        with status(f"Trying {reference} again"):
            document = wait_until_settled(client, document["id"])
    if as_json:
        say_json(document)
    else:
        failure = document["failure"]
        reason = f": {failure['code']}: {failure['detail']}" if failure else "."
        say(f"{document['collection']}/{document['key']} is {document['status']}{reason}")
    if document["status"] != Status.READY:
        raise Exit(ExitCode.FAILED)


def wait_until_settled(client: "Client", document_id: str) -> dict[str, Any]:
    """The document once it is ready or failed."""
    pause = 0.05
    while True:
        document: dict[str, Any] = client.get(f"/v1/documents/{document_id}")
        if document["status"] in {Status.READY, Status.FAILED}:
            return document
        time.sleep(pause)
        pause = min(pause * 1.5, 1.0)


def all_collections(client: "Client") -> list[dict[str, Any]]:
    return list(client.pages("/v1/collections"))


def _documents(
    client: "Client", collections: list[str] | None, **conditions: Any
) -> Iterator[dict[str, Any]]:
    for name in collections or [collection["name"] for collection in all_collections(client)]:
        yield from client.pages(f"{collection_path(name)}/documents", **conditions)


def _wait_until_gone(client: "Client", document_id: str) -> None:
    """Not for ever: the server has promised it, and keeps its promise without us."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        try:
            client.get(f"/v1/documents/{document_id}")
        except RequestFailed as error:
            if error.status == _GONE:
                return
            raise
        time.sleep(_INTERVAL)
    note("The server is still erasing it, and will go on.")


_COLUMNS = ("COLLECTION", "KEY", "STATUS", "TITLE", "PAGES", "CHUNKS", "FAILURE")


def _row(document: dict[str, Any]) -> tuple[object, ...]:
    failure = document["failure"]
    return (
        document["collection"],
        document["key"],
        document["status"],
        document["title"] or "",
        document["page_count"] or "",
        document["chunk_count"],
        failure["code"] if failure else "",
    )
