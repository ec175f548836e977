"""`acervo keys`: API keys, and how much each tenant may use."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Context, Option, Typer

from app.cli.connection import data_directory, settings_errors
from app.cli.exits import WrongUsage
from app.cli.options import AsJson, DataDir
from app.cli.output import note, say, say_json, say_table

if TYPE_CHECKING:
    from app.operations import KeyAdministration
    from rag.domain.credentials import ApiKey

UNLIMITED = "unlimited"

keys = Typer(
    no_args_is_help=True,
    help="API keys, and how much each tenant may use.",
    epilog="""\b
Examples:
  acervo keys create website --scope read
  acervo keys list
  acervo keys limit --requests-per-minute 600 --tokens-per-month 5000000

These commands reach the database themselves: that of the data directory, or of DATABASE_URL. With
ACERVO_BUCKET set they take the deployment's default tenant where --tenant names none.
""",
)

Tenant = Annotated[
    str | None, Option("--tenant", metavar="NAME", help="Whose. [default: the default tenant]")
]
EveryTenant = Annotated[str | None, Option("--tenant", metavar="NAME", help="Only this one's.")]


class ScopeName(StrEnum):
    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


@keys.command("create", epilog="\b\nExample:\n  acervo keys create website --scope read")
def keys_create(
    context: Context,
    *,
    name: Annotated[str, Argument(metavar="NAME", help="What it is for.", show_default=False)],
    scopes: Annotated[
        list[ScopeName] | None,
        Option("--scope", help="What it may do; may be repeated. [default: read and write]"),
    ] = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Make a key. It is shown once: only its hash is kept."""
    with _administration(context, data_dir) as administration:
        from rag.domain.credentials import Scope

        wanted = [Scope(each) for each in scopes or (ScopeName.READ, ScopeName.WRITE)]
        key, secret = administration.create(name, wanted, tenant)
    if as_json:
        say_json({**_row(key), "key": secret})
    else:
        say(secret)
        note(f"{key.id} of the tenant {key.tenant}. Keep it now: it cannot be shown again.")


@keys.command("list", epilog="\b\nExample:\n  acervo keys list --tenant acme")
def keys_list(
    context: Context, *, tenant: EveryTenant = None, as_json: AsJson = False, data_dir: DataDir = None
) -> None:
    """List the keys of all tenants, revoked ones too."""
    with _administration(context, data_dir) as administration:
        rows = [_row(key) for key in administration.keys(tenant)]
    if as_json:
        say_json({"data": rows})
    elif rows:
        cells = [[_cell(value) for value in row.values()] for row in rows]
        say_table([name.upper() for name in rows[0]], cells)
    else:
        note("No keys. `acervo keys create NAME` makes one.")


@keys.command("revoke", epilog="\b\nExample:\n  acervo keys revoke key_01jv1q2m3n4p5q6r7s8t9vwxyz")
def keys_revoke(
    context: Context,
    *,
    key_id: Annotated[
        str, Argument(metavar="ID", help="As `acervo keys list` shows it.", show_default=False)
    ],
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Revoke a key at once and for good."""
    with _administration(context, data_dir) as administration:
        key = administration.revoke(key_id)
    if as_json:
        say_json(_row(key))
    else:
        say(f"Revoked {key.id} ({key.name}) of the tenant {key.tenant}.")


@keys.command(
    "limit", epilog="\b\nExample:\n  acervo keys limit --tenant acme --requests-per-minute 600 --json"
)
def keys_limit(
    context: Context,
    *,
    tenant: Tenant = None,
    requests_per_minute: Annotated[
        str | None, Option("--requests-per-minute", metavar="NUMBER", help="A number, or unlimited.")
    ] = None,
    tokens_per_month: Annotated[
        str | None,
        Option("--tokens-per-month", metavar="NUMBER", help="Read and written by models; or unlimited."),
    ] = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Show how much a tenant may use, or change what is given."""
    changes = {
        name: _number(name, text)
        for name, text in (
            ("requests_per_minute", requests_per_minute),
            ("tokens_per_month", tokens_per_month),
        )
        if text is not None
    }
    with _administration(context, data_dir) as administration:
        told = _limit(administration, tenant, changes)
    if as_json:
        say_json(told)
    else:
        say_table(
            [name.upper() for name in told],
            [[UNLIMITED if value is None else value for value in told.values()]],
        )


def _limit(
    administration: "KeyAdministration", tenant: str | None, changes: dict[str, int | None]
) -> dict[str, Any]:
    from dataclasses import asdict, replace

    limits, used = administration.limits(tenant)
    if changes:
        limits = replace(limits, **changes)
        administration.set_limits(tenant, limits)
    return {"tenant": administration.tenant(tenant), **asdict(limits), "tokens_used": used}


def _number(name: str, text: str) -> int | None:
    if text == UNLIMITED:
        return None
    largest, smallest = (2**31 - 1, 1) if name == "requests_per_minute" else (2**63 - 1, 0)
    if not text.isdecimal() or not smallest <= int(text) <= largest:
        raise WrongUsage(
            f"--{name.replace('_', '-')} is a number from {smallest} to {largest}, or {UNLIMITED}."
        )
    return int(text)


@contextmanager
def _administration(context: Context, data_dir: Path | None) -> Iterator["KeyAdministration"]:
    with settings_errors():
        from app.operations import key_administration

        with key_administration(data_directory(context, data_dir)) as administration:
            yield administration


def _row(key: "ApiKey") -> dict[str, Any]:
    return {
        "id": key.id,
        "tenant": key.tenant,
        "name": key.name,
        "scopes": [*map(str, key.scopes)],
        "created_at": _time(key.created_at),
        "last_used_at": _time(key.last_used_at),
        "revoked_at": _time(key.revoked_at),
    }


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None


def _cell(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else value or ""
