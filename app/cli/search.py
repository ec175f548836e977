"""`acervo search`: passages, without an answer."""

from typing import Annotated, Any

from typer import Argument, Context

from app.cli.arguments import parse_filter
from app.cli.connection import connect
from app.cli.options import AsJson, Collections, DataDir, Filter, Mode, Rerank, SearchMode, Server, TopK
from app.cli.output import note, one_line, say, say_json

EPILOG = """\b
Examples:
  acervo search "refund deadline"
  acervo search "prazo de reembolso" --collection manual --mode keyword --top-k 3
  acervo search "SLA" --filter '{"field": "metadata.team", "op": "eq", "value": "support"}' --json
"""


def search(
    context: Context,
    *,
    query: Annotated[str, Argument(metavar="QUERY", help="What to look for.", show_default=False)],
    collections: Collections = None,
    mode: Mode = SearchMode.HYBRID,
    top_k: TopK = 10,
    condition: Filter = None,
    rerank: Rerank = False,
    as_json: AsJson = False,
    server: Server = None,
    data_dir: DataDir = None,
) -> None:
    """Find the passages that fit a query, best first."""
    body = {
        "query": query,
        "collections": collections or None,
        "mode": mode,
        "top_k": top_k,
        "filter": parse_filter(condition),
        "rerank": rerank,
    }
    with connect(context, server, data_dir) as client:
        found = client.post("/v1/search", body, safe=True)
    if as_json:
        say_json(found)
    else:
        _say_passages(found["data"])


def _say_passages(passages: list[dict[str, Any]]) -> None:
    for rank, passage in enumerate(passages, start=1):
        say(f"{rank}. {place(passage)}  ({passage['score']:.3f})")
        say(f"   {one_line(passage['text'])}")
    if not passages:
        note("No passage found. `acervo documents` shows what there is to search.")


def place(passage: dict[str, Any]) -> str:
    """Where a passage stands: document, page, heading."""
    document, locator = passage["document"], passage["locator"]
    page = f"page {locator['page']}" if locator.get("page") else ""
    return ", ".join(
        filter(None, (f"{document['collection']}/{document['key']}", page, locator.get("heading")))
    )
