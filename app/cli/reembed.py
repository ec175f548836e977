"""`acervo reembed`: another embedding model for a collection, while the present one serves."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Context, Option

from app.cli.connection import data_directory, settings_errors
from app.cli.exits import WrongUsage
from app.cli.options import AsJson, DataDir
from app.cli.output import note, progress, say_json, say_table

if TYPE_CHECKING:
    from app.operations import ReembeddingAdministration
    from rag.domain.reembedding import Reembedding

EPILOG = """\b
Examples:
  export ACERVO_EMBEDDING_OTHERS=onnx:/models/e5-small     where the service runs, too
  acervo reembed contracts --model e5-small-1a2b3c4d       embeds it in the background
  acervo reembed contracts                                 how far it is
  acervo reembed contracts --switch                        the new model serves, at once
  acervo reembed contracts --rollback                      … or the old one again
  acervo reembed contracts --confirm                       removes the old vectors

Until it is confirmed, new documents are embedded with both models. The command reaches the database itself:
that of the data directory, or of DATABASE_URL.
"""


class Action(StrEnum):
    START = "start"
    STATUS = "status"
    SWITCH = "switch"
    ROLLBACK = "rollback"
    CONFIRM = "confirm"
    CANCEL = "cancel"


def reembed(
    context: Context,
    *,
    collection: Annotated[str, Argument(metavar="COLLECTION", help="Its name.", show_default=False)],
    model: Annotated[
        str | None,
        Option("--model", metavar="NAME", help="One of ACERVO_EMBEDDING or ACERVO_EMBEDDING_OTHERS."),
    ] = None,
    dimensions: Annotated[
        int | None, Option("--dimensions", min=1, help="Where a model is configured with several.")
    ] = None,
    now: Annotated[bool, Option("--now", help="Embed here and wait, not in the background alone.")] = False,
    status: Annotated[bool, Option("--status", help="How far it is; nothing is changed.")] = False,
    switch: Annotated[bool, Option("--switch", help="Search with the new model from now on.")] = False,
    rollback: Annotated[bool, Option("--rollback", help="Search with the old model again.")] = False,
    confirm: Annotated[bool, Option("--confirm", help="Keep the switch; the old vectors go.")] = False,
    cancel: Annotated[bool, Option("--cancel", help="Give the new model up; its vectors go.")] = False,
    tenant: Annotated[
        str | None, Option("--tenant", metavar="NAME", help="Whose. [default: the default tenant]")
    ] = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Embed a collection with another model, switch to it, and back if need be."""
    action = _action(
        start=model is not None,
        status=status,
        switch=switch,
        rollback=rollback,
        confirm=confirm,
        cancel=cancel,
    )
    if dimensions is not None and model is None:
        raise WrongUsage("--dimensions belongs to --model.")
    with _administration(context, data_dir, tenant) as administration:
        state = (
            _started(administration, collection, model, dimensions)
            if model is not None
            else _done(administration, collection, action)
        )
        if now:
            state = _worked_off(administration, collection, state)
    _say(state, as_json=as_json)


def _action(**given: bool) -> Action:
    chosen = [Action(name) for name, is_given in given.items() if is_given]
    if len(chosen) > 1:
        raise WrongUsage("One of --model, --status, --switch, --rollback, --confirm and --cancel at a time.")
    return chosen[0] if chosen else Action.STATUS


def _started(
    administration: "ReembeddingAdministration", collection: str, model: str, dimensions: int | None
) -> "Reembedding":
    with progress() as bars:
        task = bars.add_task("Measuring chunks", total=None)
        return administration.start(
            collection, model, dimensions, lambda count: bars.update(task, completed=count)
        )


def _done(administration: "ReembeddingAdministration", collection: str, action: Action) -> "Reembedding":
    steps = {
        Action.STATUS: administration.status,
        Action.SWITCH: administration.switch,
        Action.ROLLBACK: administration.roll_back,
        Action.CONFIRM: administration.confirm,
        Action.CANCEL: administration.cancel,
    }
    return steps[action](collection)


def _worked_off(
    administration: "ReembeddingAdministration", collection: str, state: "Reembedding"
) -> "Reembedding":
    with progress() as bars:
        task = bars.add_task("Embedding", total=state.chunks, completed=state.embedded)
        for _ in administration.work_off():
            state = administration.status(collection)
            bars.update(task, total=state.chunks, completed=state.embedded)
    return administration.status(collection)


@contextmanager
def _administration(
    context: Context, data_dir: Path | None, tenant: str | None
) -> Iterator["ReembeddingAdministration"]:
    with settings_errors():
        from app.operations import reembedding_administration

        with reembedding_administration(data_directory(context, data_dir), tenant) as administration:
            yield administration


def _row(state: "Reembedding") -> dict[str, Any]:
    return {
        "collection": state.collection,
        "status": str(state.status),
        "serving": state.serving.id,
        "serving_dimensions": state.serving.dimensions,
        "other": state.other.id,
        "other_dimensions": state.other.dimensions,
        "embedded": state.embedded,
        "chunks": state.chunks,
        "failure": state.failure,
    }


def _say(state: "Reembedding", *, as_json: bool) -> None:
    row = _row(state)
    if as_json:
        say_json(row)
        return
    say_table([name.upper() for name in row], [["" if value is None else value for value in row.values()]])
    note(_advice(state))


def _advice(state: "Reembedding") -> str:
    if state.status == "switched":
        return f"{state.serving.id} serves. --confirm removes the vectors of {state.other.id}; --rollback."
    if state.status == "discarding":
        return f"The vectors of {state.other.id} are removed in the background, from a minute on."
    if state.embedded == state.chunks:
        return f"Every chunk has a vector of {state.other.id}. --switch makes it serve; --cancel."
    return f"The running service embeds the rest in the background; --now does it here. {state.failure or ''}"
