"""`acervo ingest`: files and folders become documents, unchanged ones for free."""

import json
import os
from bisect import insort
from collections import Counter
from collections.abc import Iterable, Iterator, Sized
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Context, Exit, Option

from app.cli.arguments import collection_path
from app.cli.connection import connect
from app.cli.documents import wait_until_settled
from app.cli.exits import ExitCode, RequestFailed
from app.cli.files import File, find_files
from app.cli.options import AsJson, Collection, DataDir, Server
from app.cli.output import note, progress, say, say_json
from rag.domain.keys import validate_key
from rag.errors import InvalidKey, InvalidSidecar

if TYPE_CHECKING:
    from app.cli.client import Client

EPILOG = """\b
Examples:
  acervo ingest examples/documents --collection manual
  acervo ingest contract.pdf annex.docx -c contratos --prefix 2026/
  acervo ingest ~/notes -c notes --server http://127.0.0.1:8000

The collection is created if need be. The key of a document is its path below the folder given, or the name
of the file given; ingesting the same key again replaces the document, and unchanged files are not even
sent. A file NAME.metadata.json beside NAME gives its title and metadata. Exit code 1 if any document failed.
"""

_UNAUTHORISED = {401, 403}


class Outcome(StrEnum):
    NEW = "new"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Result:
    """What became of one file; `document_id` is empty where nothing of it was accepted."""

    key: str
    outcome: Outcome
    document_id: str = ""
    code: str = ""
    detail: str = ""


def ingest(
    context: Context,
    *,
    paths: Annotated[
        list[Path],
        Argument(metavar="PATH…", exists=True, help="Files and folders, with all below.", show_default=False),
    ],
    collection: Collection,
    prefix: Annotated[str, Option("--prefix", metavar="TEXT", help="Put before every key.")] = "",
    wait: Annotated[bool, Option("--wait/--no-wait", help="Wait until each is ready or has failed.")] = True,
    as_json: AsJson = False,
    server: Server = None,
    data_dir: DataDir = None,
) -> None:
    """Ingest files and folders into a collection."""
    files = find_files(paths, prefix)
    results: list[Result] = []
    with connect(context, server, data_dir) as client, _told_when_interrupted(results, len(files)):
        _ensure_collection(client, collection)
        for result in _ingest(client, collection, files, wait=wait):
            insort(results, result, key=lambda result: result.key)
    if as_json:
        say_json(_as_json(collection, results))
    else:
        _say_summary(results, paths, waited=wait)
    if any(result.outcome is Outcome.FAILED for result in results):
        raise Exit(ExitCode.FAILED)


@contextmanager
def _told_when_interrupted(results: Sized, total: int) -> Iterator[None]:
    """At once: a server of its own takes a few seconds to stop."""
    try:
        yield
    except KeyboardInterrupt:
        note(f"interrupted, {len(results)} of {total} done; run the same command again")
        raise


def _ensure_collection(client: "Client", name: str) -> None:
    try:
        client.get(collection_path(name))
    except RequestFailed as error:
        if error.problem != "collection_not_found":
            raise
        try:
            client.post("/v1/collections", {"name": name})
        except RequestFailed as conflict:
            if conflict.problem != "collection_exists":  # somebody was faster
                raise


def _ingest(client: "Client", collection: str, files: list[File], *, wait: bool) -> Iterator[Result]:
    known = _known(client, collection, files)
    sent: list[Result] = []
    with progress() as bars:
        for file in bars.track(files, description="Sending"):
            result = _send(client, collection, file, known.get(file.key))
            if wait and result.document_id and result.outcome is not Outcome.UNCHANGED:
                sent.append(result)
            else:
                yield result
        for result in bars.track(sent, description="Indexing"):
            yield _settled(client, result)


def _known(client: "Client", collection: str, files: Iterable[File]) -> dict[str, dict[str, Any]]:
    """What the server has under the files' keys."""
    prefix = os.path.commonprefix([file.key for file in files])  # noqa: RUF071 - of texts
    found = client.pages(f"{collection_path(collection)}/documents", key_prefix=prefix or None)
    return {document["key"]: document for document in found}


def _send(client: "Client", collection: str, file: File, known: dict[str, Any] | None) -> Result:
    try:
        validate_key(file.key)  # a name that is not text could not even be sent
        attributes = file.attributes()
        if known and _is_unchanged(file, attributes, known):
            return Result(key=file.key, outcome=Outcome.UNCHANGED, document_id=known["id"])
        path = f"{collection_path(collection)}/documents"
        document = client.upload(
            path, file.path, _form(file.key, attributes), media_type=attributes.get("media_type")
        )
    except OSError as error:
        return _failure(file.key, "unreadable", f"The file cannot be read: {error.strerror}.")
    except (InvalidKey, InvalidSidecar) as error:
        return _failure(file.key, error.code, error.detail)
    except RequestFailed as error:
        if error.status in _UNAUTHORISED:
            raise
        return _failure(file.key, error.problem, error.detail)
    outcome = Outcome.UPDATED if known else Outcome.NEW
    return Result(key=file.key, outcome=outcome, document_id=document["id"])


def _is_unchanged(file: File, attributes: dict[str, Any], known: dict[str, Any]) -> bool:
    # The server finds out the media type by looking, whatever was said.
    said = {name: value for name, value in attributes.items() if name != "media_type"}
    same = all(known[name] == value for name, value in said.items())
    return same and known["status"] == "ready" and known["content_sha256"] == file.sha256


def _form(key: str, attributes: dict[str, Any]) -> dict[str, str]:
    form = {"key": key}
    if title := attributes.get("title"):
        form["title"] = title
    if metadata := attributes.get("metadata"):
        form["metadata"] = json.dumps(metadata, ensure_ascii=False)
    return form


def _settled(client: "Client", result: Result) -> Result:
    document = wait_until_settled(client, result.document_id)
    failure = document["failure"]
    if failure is None:
        return result
    return replace(result, outcome=Outcome.FAILED, code=failure["code"], detail=failure["detail"])


def _failure(key: str, code: str, detail: str) -> Result:
    return Result(key=key, outcome=Outcome.FAILED, code=code, detail=detail)


def _say_summary(results: list[Result], paths: list[Path], *, waited: bool) -> None:
    counts = Counter(result.outcome for result in results)
    for result in results:
        if result.outcome is Outcome.FAILED:
            say(f"failed: {result.key}: {result.code}: {result.detail}")
    if not results:
        say(f"No files in {', '.join(map(str, paths))}, nothing to do.")
    elif counts.keys() == {Outcome.UNCHANGED}:
        say(f"{len(results)} unchanged, nothing to do.")
    else:
        said = ", ".join(f"{counts[outcome]} {outcome}" for outcome in Outcome if counts[outcome])
        say(f"{said}." if waited else f"{said}; indexing goes on in the server.")


def _as_json(collection: str, results: list[Result]) -> dict[str, Any]:
    counts = Counter(result.outcome for result in results)
    return {
        "collection": collection,
        **{str(outcome): counts[outcome] for outcome in Outcome},
        "documents": [
            {
                "key": result.key,
                "outcome": result.outcome,
                "id": result.document_id or None,
                "failure": {"code": result.code, "detail": result.detail} if result.code else None,
            }
            for result in results
        ],
    }
