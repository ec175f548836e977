"""`acervo collections`: list, create, change, delete."""

from typing import Annotated, Any

import typer
from typer import Argument, Context, Option, Typer

from app.cli.arguments import collection_path
from app.cli.connection import connect
from app.cli.documents import all_collections
from app.cli.exits import WrongUsage
from app.cli.options import AsJson, Chunking, ChunkingStrategy, DataDir, MaxTokens, OverlapTokens, Server
from app.cli.output import is_interactive, note, say, say_json, say_table
from rag.domain.keys import validate_collection_name

Name = Annotated[str, Argument(metavar="NAME", help="a-z, 0-9, _ and -.", show_default=False)]

collections = Typer(
    invoke_without_command=True,
    epilog="""\b
Examples:
  acervo collections
  acervo collections create contratos --language pt
  acervo collections change contratos --chunking page
  acervo collections delete contratos --yes
""",
)


@collections.callback()
def collections_list(
    context: Context, *, as_json: AsJson = False, server: Server = None, data_dir: DataDir = None
) -> None:
    """List collections; `create`, `change` and `delete` change them."""
    if context.invoked_subcommand is not None:
        return
    with connect(context, server, data_dir) as client:
        found = all_collections(client)
    if as_json:
        say_json({"data": found})
    elif found:
        rows = [
            (each["name"], each["document_count"], each["language"], each["description"] or "")
            for each in found
        ]
        say_table(("NAME", "DOCUMENTS", "LANGUAGE", "DESCRIPTION"), rows)
    else:
        note("No collections. `acervo ingest PATH --collection NAME` makes one.")


@collections.command("create", epilog="\b\nExample:\n  acervo collections create contratos --language pt")
def collections_create(
    context: Context,
    *,
    name: Name,
    description: Annotated[str | None, Option("--description", metavar="TEXT", help="What it holds.")] = None,
    language: Annotated[
        str, Option("--language", metavar="CODE", help="Of its documents: pt, en … or auto.")
    ] = "auto",
    chunking: Chunking = None,
    max_tokens: MaxTokens = None,
    overlap_tokens: OverlapTokens = None,
    as_json: AsJson = False,
    server: Server = None,
    data_dir: DataDir = None,
) -> None:
    """Create an empty collection."""
    body = {
        "name": validate_collection_name(name),
        "description": description,
        "language": language,
        "chunking": _chunking(chunking, max_tokens, overlap_tokens) or None,
    }
    with connect(context, server, data_dir) as client:
        created = client.post("/v1/collections", body)
    if as_json:
        say_json(created)
    else:
        say(f"Created the collection {name}.")


@collections.command("change", epilog="\b\nExample:\n  acervo collections change contratos --chunking page")
def collections_change(
    context: Context,
    *,
    name: Name,
    chunking: Chunking = None,
    max_tokens: MaxTokens = None,
    overlap_tokens: OverlapTokens = None,
    as_json: AsJson = False,
    server: Server = None,
    data_dir: DataDir = None,
) -> None:
    """Cut a collection's documents otherwise; what is not given stays as it is."""
    wanted = _chunking(chunking, max_tokens, overlap_tokens)
    if not wanted:
        raise WrongUsage("Nothing to change. Add --chunking, --max-tokens or --overlap-tokens.")
    path = collection_path(name)
    with connect(context, server, data_dir) as client:
        changed = client.patch(path, {"chunking": {**client.get(path)["chunking"], **wanted}})
    if as_json:
        say_json(changed)
    else:
        say(f"Changed the collection {name}; {changed['outdated_count']} documents are cut anew.")


def _chunking(
    strategy: ChunkingStrategy | None, max_tokens: int | None, overlap_tokens: int | None
) -> dict[str, Any]:
    """What was given."""
    options = {"strategy": strategy, "max_tokens": max_tokens, "overlap_tokens": overlap_tokens}
    return {option: value for option, value in options.items() if value is not None}


@collections.command("delete", epilog="\b\nExample:\n  acervo collections delete contratos --yes")
def collections_delete(
    context: Context,
    *,
    name: Name,
    yes: Annotated[bool, Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: AsJson = False,
    server: Server = None,
    data_dir: DataDir = None,
) -> None:
    """Delete a collection with all its documents."""
    if not yes:
        _confirm(name)
    with connect(context, server, data_dir) as client:
        client.delete(collection_path(name))
    if as_json:
        say_json({"name": name, "deleted": True})
    else:
        say(f"Deleted the collection {name}.")


def _confirm(name: str) -> None:
    if not is_interactive():
        raise WrongUsage(f"Deleting {name} with all its documents needs a yes. Add --yes.")
    typer.confirm(f"Delete the collection {name} with all its documents?", abort=True, err=True)
