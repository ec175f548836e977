"""`acervo put-record`: a record of the Kinesis door, into a stream or into this machine's database."""

import json
import sys
from base64 import b64encode
from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Context, Exit, Option

from app.cli.connection import data_directory, settings_errors
from app.cli.exits import ExitCode, WrongUsage
from app.cli.options import AsJson, Collection, DataDir
from app.cli.output import say, say_json, status

EPILOG = """\b
Examples:
  acervo put-record --collection manual --key faq.md faq.md
  echo "Refunds take 30 days." | acervo put-record -c manual -k refunds.txt -
  acervo put-record -c manual -k faq.md --delete
  acervo put-record -c manual -k faq.md faq.md --stream acme-documents

Without --stream the record is taken in on this machine, just as the ingestion function would. The
contract of records is in docs/kinesis.md.
"""


def put_record(
    context: Context,
    *,
    collection: Collection,
    key: Annotated[str, Option("--key", "-k", metavar="KEY", help="The document's key.")],
    path: Annotated[
        Path | None, Argument(metavar="FILE", help="The content; - reads standard input.", show_default=False)
    ] = None,
    delete: Annotated[bool, Option("--delete", help="A record that deletes the document.")] = False,
    title: Annotated[str | None, Option("--title", metavar="TEXT", help="The document's title.")] = None,
    media_type: Annotated[
        str | None, Option("--media-type", metavar="TYPE", help="As text/markdown; found out otherwise.")
    ] = None,
    metadata: Annotated[
        str | None, Option("--metadata", metavar="JSON", help='As {"team": "sales"}.')
    ] = None,
    stream: Annotated[
        str | None, Option("--stream", metavar="NAME", help="A Kinesis stream of this AWS account.")
    ] = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Put a record of the Kinesis door: into a stream, or straight into this machine's database."""
    record: dict[str, Any] = {"op": "delete" if delete else "upsert", "collection": collection, "key": key}
    attributes = {"title": title, "media_type": media_type, "metadata": _json(metadata)}
    record |= {name: value for name, value in attributes.items() if value is not None} | _content(
        path, delete
    )
    told = _put(context, record, stream, data_dir)
    if as_json:
        say_json(told)
    else:
        _say(told)
    if told["status"] == "failed":
        raise Exit(ExitCode.FAILED)


def _put(
    context: Context, record: dict[str, Any], stream: str | None, data_dir: Path | None
) -> dict[str, Any]:
    with status("Putting the record"), settings_errors():
        from app import operations

        if stream:
            return operations.put_record(stream, record)
        return operations.put_record_locally(data_directory(context, data_dir), record)


def _say(told: dict[str, Any]) -> None:
    said = [str(value) for name, value in told.items() if name != "failure" and value is not None]
    say(" ".join(said))
    if failure := told.get("failure"):
        say(f"{failure['code']}: {failure['detail']}")


def _content(path: Path | None, delete: bool) -> dict[str, str]:  # noqa: FBT001 - as it was typed
    if delete == (path is not None):
        raise WrongUsage("Give the content, FILE or -, or --delete.")
    if path is None:
        return {}
    body = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    try:
        return {"text": body.decode()}
    except UnicodeDecodeError:
        return {"content_base64": b64encode(body).decode()}


def _json(text: str | None) -> Any:
    try:
        return None if text is None else json.loads(text)
    except ValueError as error:
        raise WrongUsage(f'--metadata is not JSON: {error}. Write it as {{"team": "sales"}}.') from error
