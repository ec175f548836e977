"""`acervo redrive`: tries again what failed, documents and messages."""

from typing import TYPE_CHECKING, Annotated, Any

from typer import Context, Exit, Option

from app.cli.arguments import collection_path
from app.cli.connection import connect
from app.cli.documents import all_collections, wait_until_settled
from app.cli.exits import ExitCode, WrongUsage
from app.cli.options import AsJson, Collections, DataDir, Server
from app.cli.output import note, progress, say, say_json

if TYPE_CHECKING:
    from app.cli.client import Client

EPILOG = """\b
Examples:
  acervo redrive
  acervo redrive --collection manual --server https://api.example.com
  acervo redrive --dead-letter-queue URL --queue URL

Only failures that another attempt can mend are tried again; `acervo documents --status failed` lists all.
"""


def redrive(
    context: Context,
    *,
    collections: Collections = None,
    queue: Annotated[
        str | None, Option("--queue", metavar="URL", help="The ingestion queue (or ACERVO_QUEUE_URL).")
    ] = None,
    dead_letter_queue: Annotated[
        str | None,
        Option(
            "--dead-letter-queue",
            metavar="URL",
            help="The queue of failed messages (or ACERVO_DEAD_LETTER_QUEUE_URL).",
        ),
    ] = None,
    as_json: AsJson = False,
    server: Server = None,
    data_dir: DataDir = None,
) -> None:
    """Try again what failed: documents, then the messages of the dead-letter queue."""
    source, target = _queues(dead_letter_queue, queue)
    with connect(context, server, data_dir) as client:
        documents = _retry_all(client, collections, wait=source is None)
    moved = _move(source, target) if source and target else None
    if as_json:
        say_json({"documents": documents, "messages": moved})
    else:
        _say(documents, moved)
    if any(document["status"] == "failed" for document in documents):
        raise Exit(ExitCode.FAILED)


def _queues(dead_letter_queue: str | None, queue: str | None) -> tuple[str | None, str | None]:
    """From where to where; both or neither."""
    from rag.settings import QueueSettings

    settings = QueueSettings()
    source = dead_letter_queue or settings.dead_letter_queue_url or None
    target = queue or settings.queue_url or None
    if (source is None) != (target is None):
        raise WrongUsage("Name both queues, --queue and --dead-letter-queue, or neither.")
    return source, target


def _retry_all(client: "Client", collections: list[str] | None, *, wait: bool) -> list[dict[str, Any]]:
    """The documents after another attempt, or with it before them."""
    names = collections or [collection["name"] for collection in all_collections(client)]
    listed = (client.pages(f"{collection_path(name)}/documents", status="failed") for name in names)
    failed = [document for page in listed for document in page if document["failure"]["retryable"]]
    again = [client.post(f"/v1/documents/{document['id']}/retry") for document in failed]
    if not wait:
        return again
    with progress() as bars:
        tracked = bars.track(failed, description="Trying again")
        return [wait_until_settled(client, document["id"]) for document in tracked]


def _move(source: str, target: str) -> int:
    from app.operations import redrive as move

    with progress() as bars:
        task = bars.add_task("Moving messages", total=None)
        return move(target, source, progress=lambda count: bars.update(task, completed=count))


def _say(documents: list[dict[str, Any]], moved: int | None) -> None:
    for document in documents:
        failure = document["failure"]
        reason = f": {failure['code']}: {failure['detail']}" if failure else ""
        say(f"{document['collection']}/{document['key']} is {document['status']}{reason}")
    if not documents:
        note("No document failed in a way that another attempt can mend.")
    if moved is not None:
        say(f"{moved} messages moved back to the queue.")
