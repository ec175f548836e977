"""`acervo redrive`: tries again what failed: documents, messages, records of the stream."""

from typing import TYPE_CHECKING, Annotated, Any

from typer import Context, Exit, Option

from app.cli.arguments import collection_path
from app.cli.connection import connect, settings_errors
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
  acervo redrive --stream-failures URL --function acervo-ingestion

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
    stream_failures: Annotated[
        str | None,
        Option(
            "--stream-failures",
            metavar="URL",
            help="The queue that tells of the stream's failures (or ACERVO_STREAM_FAILURES_QUEUE_URL).",
        ),
    ] = None,
    function: Annotated[
        str | None,
        Option(
            "--function",
            metavar="NAME",
            help="Who takes the stream's records in (or ACERVO_INGESTION_FUNCTION); else this machine does.",
        ),
    ] = None,
    as_json: AsJson = False,
    server: Server = None,
    data_dir: DataDir = None,
) -> None:
    """Try again what failed: documents, messages of the dead-letter queue, records of the stream."""
    source, target = _queues(dead_letter_queue, queue)
    with connect(context, server, data_dir) as client:
        documents = _retry_all(client, collections, wait=source is None)
    moved = _move(source, target) if source and target else None
    records = _redrive_stream(stream_failures, function)
    if as_json:
        say_json({"documents": documents, "messages": moved, "records": records})
    else:
        _say(documents, moved, records)
    if any(document["status"] == "failed" for document in documents) or _unfinished(records):
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


def _redrive_stream(failures: str | None, function: str | None) -> dict[str, int] | None:
    from rag.settings import QueueSettings

    settings = QueueSettings()
    url = failures or settings.stream_failures_queue_url
    if not url:
        return None
    with progress() as bars, settings_errors():
        from app import operations

        task = bars.add_task("Reading records", total=None)
        told = operations.redrive_stream(
            url,
            function=function or settings.ingestion_function or None,
            progress=lambda count: bars.update(task, completed=count),
        )
    return {"ingested": told.ingested, "failed": told.failed, "gone": told.gone}


def _unfinished(records: dict[str, int] | None) -> bool:
    return records is not None and bool(records["failed"] or records["gone"])


def _say(documents: list[dict[str, Any]], moved: int | None, records: dict[str, int] | None) -> None:
    for document in documents:
        failure = document["failure"]
        reason = f": {failure['code']}: {failure['detail']}" if failure else ""
        say(f"{document['collection']}/{document['key']} is {document['status']}{reason}")
    if not documents:
        note("No document failed in a way that another attempt can mend.")
    if moved is not None:
        say(f"{moved} messages moved back to the queue.")
    if records is not None:
        say(f"{records['ingested']} records of the stream ingested, {records['failed']} failed again.")
        if records["gone"]:
            note(f"{records['gone']} messages tell of records that the stream no longer has, or of none.")
