"""`acervo why`: what became of a document, and why a search finds it or not."""

from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any

from typer import Context, Option

from app.cli.arguments import find_document, parse_filter
from app.cli.connection import connect
from app.cli.options import (
    AsJson,
    Collections,
    DataDir,
    DocumentReference,
    Filter,
    Mode,
    SearchMode,
    Server,
    TopK,
)
from app.cli.output import say, say_json

if TYPE_CHECKING:
    from app.cli.client import Client

EPILOG = """\b
Examples:
  acervo why manual/scan.pdf
  acervo why manual/precos.pdf --query "quanto custa o plano Broto"
"""

_REMEDIES = MappingProxyType(
    {
        "unsupported_media_type": "Convert it to PDF, DOCX, HTML or plain text, and ingest that.",
        "corrupt": "Open it in its own program, save it anew, and ingest it again.",
        "encrypted": "Remove the password, and ingest it again.",
        "empty": "Ingest it again once it holds text.",
        "no_text_layer": "Run it through text recognition (ocrmypdf, for one), and ingest the result.",
        "invalid_sidecar": "Mend the .metadata.json file beside it.",
        "invalid_key": "Rename the file; the new name is ingested by itself.",
        "unreadable": "Mend what is said of the file; it is then read by itself.",
        "too_large": "Split it, or raise ACERVO_MAX_DOCUMENT_BYTES.",
        "conflicting_source": "Another source writes this key: use another key, or delete it first.",
        "model_unavailable": "See to the model server (`acervo doctor`), then `acervo documents retry`.",
    }
)
_RETRY = "Try again: `acervo documents retry {collection}/{key}`."
_REPLACE = "Change the document, and ingest it again."


def why(
    context: Context,
    *,
    reference: DocumentReference,
    query: Annotated[
        str | None,
        Option("--query", "-q", metavar="TEXT", help="Explain this search's view of the document."),
    ] = None,
    collections: Collections = None,
    mode: Mode = SearchMode.HYBRID,
    top_k: TopK = 10,
    condition: Filter = None,
    as_json: AsJson = False,
    server: Server = None,
    data_dir: DataDir = None,
) -> None:
    """Tell what became of a document, and why."""
    search = {
        "query": query,
        "collections": collections or None,
        "mode": mode,
        "top_k": top_k,
        "filter": parse_filter(condition),
    }
    with connect(context, server, data_dir) as client:
        told = _tell(client, reference, search if query else None)
    if as_json:
        say_json(told)
    else:
        _say(told)


def _tell(client: "Client", reference: str, search: dict[str, Any] | None) -> dict[str, Any]:
    document = find_document(client, reference)
    history = list(client.pages(f"/v1/documents/{document['id']}/history"))
    told = {"document": document, "history": history, "advice": advice(document)}
    if search is not None:
        body = {**search, "document": document["id"]}
        told["explanation"] = client.post("/v1/search/explain", body, safe=True)
    return told


def advice(document: dict[str, Any]) -> str | None:
    """What to do about a failure; None where there is none."""
    failure = document["failure"]
    if failure is None:
        return None
    general = _RETRY.format_map(document) if failure["retryable"] else _REPLACE
    return _REMEDIES.get(failure["code"], general)


def _say(told: dict[str, Any]) -> None:
    document = told["document"]
    say(f"{document['collection']}/{document['key']}  {document['id']}")
    say(f"{document['status']}, {_searchable(document)}")
    if failure := document["failure"]:
        say(f"failed with {failure['code']} after {failure['attempts']} attempt(s): {failure['detail']}")
        say(f"what to do: {told['advice']}")
    say("\nhistory:")
    for entry in told["history"]:
        say(f"  {entry['at']}  version {entry['version']}  {entry['event']}  {entry['detail']}".rstrip())
    if explanation := told.get("explanation"):
        _say_explanation(explanation)


def _searchable(document: dict[str, Any]) -> str:
    if document["version"] == 0:
        return "not searchable"
    return f"version {document['version']} is searchable in {document['chunk_count']} chunks"


def _say_explanation(explanation: dict[str, Any]) -> None:
    verdict = f"finds it at rank {explanation['rank']}" if explanation["found"] else "does not find it"
    say(f"\nthe search {verdict}")
    for reason in explanation["reasons"]:
        say(f"  {reason['code']}: {reason['detail']}")
