"""`acervo reconcile`: compares what was dropped with what the ledger knows, and repairs it."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from typer import Context, Exit, Option

from app.cli.connection import data_directory, settings_errors
from app.cli.exits import ExitCode
from app.cli.options import AsJson, DataDir
from app.cli.output import note, progress, say_json, say_table

if TYPE_CHECKING:
    from app.operations import Drift, Reconciliation

EPILOG = """\b
Examples:
  acervo reconcile                       shows how the folder and the ledger differ
  acervo reconcile --apply               brings the ledger in line with the folder
  DATABASE_URL=… acervo reconcile --bucket acme-documents

Without --apply nothing is changed. Exit code 1 if there are differences that were not repaired.
"""

_COLUMNS = ("difference", "tenant", "collection", "key", "repaired", "detail")


def reconcile(
    context: Context,
    *,
    apply: Annotated[bool, Option("--apply", help="Repair what differs.")] = False,
    bucket: Annotated[
        str | None,
        Option("--bucket", metavar="NAME", help="A bucket (or ACERVO_BUCKET) instead of the data directory."),
    ] = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Compare what was dropped with what the ledger knows, in both directions."""
    with settings_errors():
        from app.operations import reconciliation

        with reconciliation(data_directory(context, data_dir), bucket) as opened:
            found = _differences(opened)
            rows = [_row(drift, repaired=False) for drift in found] if not apply else _repair(opened, found)
    if as_json:
        say_json({"differences": rows, "applied": apply})
    else:
        _say(rows, applied=apply)
    if not all(row["repaired"] for row in rows):
        raise Exit(ExitCode.FAILED)


def _differences(opened: "Reconciliation") -> list["Drift"]:
    with progress() as bars:
        task = bars.add_task("Comparing", total=None)
        return list(opened.differences(lambda count: bars.update(task, completed=count)))


def _repair(opened: "Reconciliation", found: Sequence["Drift"]) -> list[dict[str, Any]]:
    with progress() as bars:
        tracked = bars.track(found, description="Repairing")
        rows = [_row(drift, repaired=opened.repair(drift)) for drift in tracked]
        for _ in bars.track(opened.work_off(), description="Indexing"):
            pass
    return rows


def _row(drift: "Drift", *, repaired: bool) -> dict[str, Any]:
    tenant, collection, key = drift.place
    return {
        "difference": str(drift.kind),
        "tenant": tenant,
        "collection": collection,
        "key": key,
        "repaired": repaired,
        "detail": drift.detail,
    }


def _say(rows: Sequence[dict[str, Any]], *, applied: bool) -> None:
    if not rows:
        note("No differences.")
        return
    say_table([name.upper() for name in _COLUMNS], [[row[name] for name in _COLUMNS] for row in rows])
    counts = Counter(row["difference"] for row in rows)
    note(", ".join(f"{number} {kind}" for kind, number in counts.items()))
    if not applied:
        note("Nothing was changed. `acervo reconcile --apply` repairs what can be repaired.")
