"""`acervo collections`: list, create, delete."""

from typing import Annotated

import typer
from typer import Argument, Context, Option, Typer

from app.cli.arguments import collection_path
from app.cli.connection import connect
from app.cli.documents import all_collections
from app.cli.exits import WrongUsage
from app.cli.options import AsJson, DataDir, Server
from app.cli.output import is_interactive, note, say, say_json, say_table
from rag.domain.keys import validate_collection_name

Name = Annotated[str, Argument(metavar="NAME", help="a-z, 0-9, _ and -.", show_default=False)]

collections = Typer(
    invoke_without_command=True,
    epilog="""\b
Examples:
  acervo collections
  acervo collections create contratos --language pt
  acervo collections delete contratos --yes
""",
)


@collections.callback()
def collections_list(
    context: Context, *, as_json: AsJson = False, server: Server = None, data_dir: DataDir = None
) -> None:
    """List collections; `create` and `delete` change them."""
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
    as_json: AsJson = False,
    server: Server = None,
    data_dir: DataDir = None,
) -> None:
    """Create an empty collection."""
    body = {"name": validate_collection_name(name), "description": description, "language": language}
    with connect(context, server, data_dir) as client:
        created = client.post("/v1/collections", body)
    if as_json:
        say_json(created)
    else:
        say(f"Created the collection {name}.")


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
