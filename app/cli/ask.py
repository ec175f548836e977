"""`acervo ask`: an answer with its citations."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Context, Option

from app.cli.arguments import parse_filter
from app.cli.connection import connect
from app.cli.exits import RequestFailed, ServerUnreachable
from app.cli.options import AsJson, Collections, DataDir, Filter, Server
from app.cli.output import live_text, note, one_line, say, say_json

if TYPE_CHECKING:
    from app.cli.client import Client

EPILOG = """\b
Examples:
  acervo ask "How long do refunds take?"
  acervo ask "Qual é a multa por rescisão?" --collection contratos
  acervo ask "Who is on call at night?" --json

Each [n] in the answer is a citation, listed below it with the words of the document. If nothing in the
documents supports an answer, the answer says so; that is no failure, the exit code is 0.
"""


def ask(
    context: Context,
    *,
    question: Annotated[str, Argument(metavar="QUESTION", help="In any language.", show_default=False)],
    collections: Collections = None,
    condition: Filter = None,
    stream: Annotated[
        bool | None,
        Option("--stream/--no-stream", help="Show the answer while it is written. [default: on a terminal]"),
    ] = None,
    as_json: AsJson = False,
    server: Server = None,
    data_dir: DataDir = None,
) -> None:
    """Answer a question from the documents, every sentence cited."""
    body = {"question": question, "collections": collections or None, "filter": parse_filter(condition)}
    with connect(context, server, data_dir) as client:
        if sys.stderr.isatty() if stream is None else stream:
            answer = _follow(client, body)
        else:
            answer = client.post("/v1/answers", body)
    if as_json:
        say_json(answer)
    else:
        _say_answer(answer)


def _follow(client: "Client", body: dict[str, Any]) -> dict[str, Any]:
    """The whole answer, shown while it grows; what is shown goes when it is complete, and is said cited."""
    with live_text() as grow:
        for name, content in client.stream("/v1/answers", body):
            if name == "answer.delta":
                grow(content["text"])
            elif name == "answer.withdrawn":
                grow(None)
            elif name == "answer.completed":
                return content
            elif name == "error":
                raise RequestFailed.of(int(content.get("status", 500)), content)
    raise ServerUnreachable("The server broke off in the middle of the answer. Ask again.")


def _say_answer(answer: dict[str, Any]) -> None:
    numbers = number_citations(answer["citations"])
    say(mark(answer["text"], answer["citations"], numbers))
    if numbers:
        say()
    for source, number in numbers.items():
        say(f"[{number}] {source}")
    if answer["status"] == "answered" and (unsupported := answer["unsupported"]):
        note(f"{len(unsupported)} passage(s) of this answer are not supported by a citation.")
    for title in suspicious(answer["passages"]):
        note(f"A passage of {title} reads like orders to a model; read the answer with care.")


def suspicious(passages: list[dict[str, Any]]) -> list[str]:
    """The documents that were read and hold such passages."""
    flagged = [passage["document"] for passage in passages if passage["suspicious"]]
    return list(dict.fromkeys(document["title"] or document["key"] for document in flagged))


def number_citations(citations: list[dict[str, Any]]) -> dict[str, int]:
    """The line of each source quoted, numbered in the order in which the answer cites them."""
    in_order = sorted(citations, key=lambda citation: (citation["end"], citation["start"]))
    distinct = dict.fromkeys(map(cited, in_order))
    return {source: number for number, source in enumerate(distinct, start=1)}


def mark(text: str, citations: list[dict[str, Any]], numbers: dict[str, int]) -> str:
    """The answer with `[n]` after every span that has a citation."""
    at: dict[int, set[int]] = {}
    for citation in citations:
        at.setdefault(citation["end"], set()).add(numbers[cited(citation)])
    for end in sorted(at, reverse=True):
        markers = "".join(f"[{number}]" for number in sorted(at[end]))
        text = f"{text[:end]} {markers}{text[end:]}"
    return text


def cited(citation: dict[str, Any]) -> str:
    source = citation["source"]
    page = f"page {source['page']}, " if source.get("page") else ""
    return f'{source["title"] or source["key"]}, {page}"{one_line(citation["quote"])}"'
