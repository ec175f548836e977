"""`acervo index`: the search indexes of a collection, for bulk loads and for looking."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Context, Option, Typer

from app.cli.connection import data_directory, settings_errors
from app.cli.options import AsJson, DataDir
from app.cli.output import note, progress, say_json, say_table

if TYPE_CHECKING:
    from rag.domain.search import IndexStatus
    from rag.ports import IndexStore

# Between two looks at how far the index is, seconds.
_LOOK = 1.0

index = Typer(
    no_args_is_help=True,
    help="The search indexes of a collection.",
    epilog="""\b
Examples, of a bulk load:
  acervo index drop contracts            each of a million vectors is not put into an index one by one
  …                                      the documents come
  acervo index build contracts --memory 2048
  acervo index status contracts

Workers keep the indexes up by themselves; a vector index is made when a collection has 10,000 chunks. These
commands reach the database themselves: that of the data directory, or of DATABASE_URL.
""",
)

Name = Annotated[str, Argument(metavar="COLLECTION", help="Its name.", show_default=False)]
Tenant = Annotated[
    str | None, Option("--tenant", metavar="NAME", help="Whose. [default: the default tenant]")
]


@index.command("status", epilog="\b\nExample:\n  acervo index status contracts")
def index_status(
    context: Context,
    *,
    collection: Name,
    tenant: Tenant = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """How much of a collection its indexes hold, and how far one is that is being made."""
    with _indexes(context, data_dir, tenant) as indexes:
        _say(indexes.status(collection), as_json=as_json)


@index.command("drop", epilog="\b\nExample:\n  acervo index drop contracts")
def index_drop(
    context: Context,
    *,
    collection: Name,
    tenant: Tenant = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Remove the vector index before a bulk load; searches look at every vector meanwhile."""
    with _indexes(context, data_dir, tenant) as indexes:
        indexes.drop_vectors(collection)
        _say(indexes.status(collection), as_json=as_json)
        note(f"No vector index is made until: acervo index build {collection}")


@index.command("build", epilog="\b\nExample:\n  acervo index build contracts --memory 2048")
def index_build(
    context: Context,
    *,
    collection: Name,
    memory: Annotated[
        int | None,
        Option(
            "--memory",
            min=64,
            metavar="MB",
            help="Of the server's memory; an index that does not fit is made many times slower. "
            "[default: the server's maintenance_work_mem]",
        ),
    ] = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Take everything into the posting lists and make the vector index, in parallel."""
    with _indexes(context, data_dir, tenant) as indexes:
        _fold(indexes, collection)
        with ThreadPoolExecutor(1) as pool:
            _watch(indexes, collection, pool.submit(indexes.build_vectors, collection, megabytes=memory))
        _say(indexes.status(collection), as_json=as_json)


def _fold(indexes: "IndexStore", collection: str) -> None:
    state = indexes.status(collection)
    with progress() as bars:
        task = bars.add_task("Posting lists", total=state.chunks, completed=state.chunks - state.waiting)
        while indexes.fold(collection):
            state = indexes.status(collection)
            bars.update(task, total=state.chunks, completed=state.chunks - state.waiting)


def _watch(indexes: "IndexStore", collection: str, built: "Future[None]") -> None:
    with progress() as bars:
        task = bars.add_task("Vector index", total=100)
        while not wait_for([built], timeout=_LOOK).done:
            share = indexes.status(collection).progress
            bars.update(task, completed=100 * (share or 0))
    built.result()


@contextmanager
def _indexes(context: Context, data_dir: Path | None, tenant: str | None) -> Iterator["IndexStore"]:
    with settings_errors():
        from app.operations import index_administration

        with index_administration(data_directory(context, data_dir), tenant) as indexes:
            yield indexes


def _say(state: "IndexStatus", *, as_json: bool) -> None:
    row = {
        "collection": state.collection,
        "chunks": state.chunks,
        "waiting": state.waiting,
        "segments": state.segments,
        "vector_index": state.vector_index,
        "progress": state.progress,
        "automatic": state.automatic,
    }
    if as_json:
        say_json(row)
    else:
        say_table(
            [name.upper() for name in row], [["" if value is None else value for value in row.values()]]
        )
