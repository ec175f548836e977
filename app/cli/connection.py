"""Which server a command talks to: a running one, or one of its own for as long as it runs."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from typer import Context

from app.cli.exits import WrongUsage
from app.cli.output import status
from rag.errors import SettingInvalid

if TYPE_CHECKING:
    from app.cli.client import Client


@dataclass(kw_only=True)
class Invocation:
    """What was said before the command's name."""

    server: str | None = None
    data_dir: Path | None = None
    verbose: bool = False


@contextmanager
def connect(context: Context, server: str | None, data_dir: Path | None) -> Iterator["Client"]:
    """What the command line says outranks the environment; --server and --data-dir exclude each other."""
    from app.cli.client import Client

    url = server_url(context, server, data_dir)
    if url:
        with Client.over_tcp(url, _api_key()) as client:
            yield client
    else:
        with (
            _private_server(data_directory(context, data_dir)) as socket,
            Client.over_socket(socket) as client,
        ):
            yield client


def server_url(context: Context, server: str | None, data_dir: Path | None) -> str | None:
    """None: the command starts a server of its own."""
    from rag.settings import ClientSettings

    named, directory = server or context.obj.server, data_dir or context.obj.data_dir
    if named and directory:
        raise WrongUsage(
            "--server and --data-dir exclude each other: a server has its own data directory. Leave one out."
        )
    url: str | None = named or (None if directory else ClientSettings().server)
    if url and not url.startswith(("http://", "https://")):
        raise WrongUsage(f"{url} is not a server's address. Write it as http://127.0.0.1:8000.")
    return url


def _api_key() -> str | None:
    from rag.settings import ClientSettings

    key = ClientSettings().api_key
    return key.get_secret_value() if key else None


def data_directory(context: Context, data_dir: Path | None) -> Path:
    from rag.settings import DataSettings

    directory: Path = data_dir or context.obj.data_dir or DataSettings().data_dir
    return directory


@contextmanager
def settings_errors() -> Iterator[None]:
    """What pydantic says of the environment, in a user's words."""
    from pydantic import ValidationError

    try:
        yield
    except ValidationError as error:
        problems = "; ".join(
            f"ACERVO_{problem['loc'][0]}".upper() + f": {problem['msg']}" for problem in error.errors()
        )
        raise SettingInvalid(
            f"A setting has a value that cannot be used: {problems}. Correct or unset it."
        ) from error


@contextmanager
def _private_server(data_dir: Path) -> Iterator[Path]:
    with ExitStack() as running:
        with status(f"Starting Acervo on {data_dir}"), settings_errors():
            from app.local import private_server

            socket = running.enter_context(private_server(data_dir))
        yield socket
