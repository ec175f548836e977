"""The `acervo` command: its subcommands, and how it ends when something is wrong."""

import os
import signal
import sys
import traceback
from functools import partial
from io import TextIOWrapper
from types import FrameType, TracebackType
from typing import Annotated, NoReturn

from typer import Context, Exit, Option, Typer
from typer.main import get_command

from app.cli import ask, doctor, ingest, put_record, reconcile, redrive, reembed, search, serve, why
from app.cli.collections import collections
from app.cli.connection import Invocation
from app.cli.documents import documents
from app.cli.exits import ExitCode, exit_code
from app.cli.index import index
from app.cli.keys import keys
from app.cli.options import DataDir, Server
from app.cli.output import note, say
from rag.errors import AcervoError

EPILOG = """\b
Start here:
  acervo ingest ./documents --collection manual
  acervo ask "How long do refunds take?"
  acervo serve

\b
Exit codes:
  0    everything worked
  1    something failed, as the message says
  2    the command was typed wrongly
  3    the server or the database cannot be reached
  130  interrupted (Ctrl-C)

Data goes to standard output, messages and progress to standard error.
"""

# rich_markup_mode=None: rich would triple the time of --help (0.14 s to 0.42 s, 2026-11).
app = Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    epilog=EPILOG,
    context_settings={"help_option_names": ["--help", "-h"]},
)
app.command("serve", epilog=serve.EPILOG)(serve.serve)
app.command("ingest", epilog=ingest.EPILOG)(ingest.ingest)
app.command("ask", epilog=ask.EPILOG)(ask.ask)
app.command("search", epilog=search.EPILOG)(search.search)
app.add_typer(documents, name="documents")
app.add_typer(collections, name="collections")
app.command("why", epilog=why.EPILOG)(why.why)
app.command("reconcile", epilog=reconcile.EPILOG)(reconcile.reconcile)
app.command("redrive", epilog=redrive.EPILOG)(redrive.redrive)
app.command("reembed", epilog=reembed.EPILOG)(reembed.reembed)
app.command("put-record", epilog=put_record.EPILOG)(put_record.put_record)
app.add_typer(keys, name="keys")
app.add_typer(index, name="index")
app.command("doctor", epilog=doctor.EPILOG)(doctor.doctor)


def _say_version(asked: bool) -> None:  # noqa: FBT001 - Typer's signature of a callback
    if asked:
        from importlib.metadata import version

        say(f"acervo {version('acervo')}")
        raise Exit


@app.callback()
def _acervo(
    context: Context,
    *,
    server: Server = None,
    data_dir: DataDir = None,
    verbose: Annotated[bool, Option("--verbose", help="Show where in the program an error arose.")] = False,
    _version: Annotated[
        bool, Option("--version", is_eager=True, callback=_say_version, help="Show the version.")
    ] = False,
) -> None:
    """Documents in, cited answers out."""
    invocation: Invocation = context.obj
    invocation.server, invocation.data_dir, invocation.verbose = server, data_dir, verbose


def main() -> None:
    invocation = Invocation()
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # as of a command in the background
        signal.signal(signal.SIGINT, _interrupt)
    # Not `except Exception`: what nobody foresaw is reported on its way out, and is the interpreter's to end.
    sys.excepthook = partial(_report_unforeseen, invocation)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a file's name need not be valid text
    try:
        get_command(app).main(prog_name="acervo", obj=invocation)
    except AcervoError as error:
        _end(invocation, error, error.detail, exit_code(error))
    except OSError as error:
        _end(invocation, error, f"{error}. See to it, and try again.", ExitCode.FAILED)
    except KeyboardInterrupt:
        sys.exit(ExitCode.INTERRUPTED)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    """The first Ctrl-C ends the command in order, the second at once."""
    signal.signal(signal.SIGINT, lambda _number, _frame: os._exit(ExitCode.INTERRUPTED))
    raise KeyboardInterrupt


def _end(invocation: Invocation, error: Exception, message: str, code: ExitCode) -> NoReturn:
    if invocation.verbose:
        traceback.print_exception(error)
    note(f"acervo: {message}")
    sys.exit(code)


def _report_unforeseen(
    invocation: Invocation, kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    if invocation.verbose:
        traceback.print_exception(kind, error, trace)
    note(
        f"acervo: An error that nobody foresaw: {kind.__name__}: {error}."
        " Run `acervo --verbose …` to see where, and report it."
    )


if __name__ == "__main__":
    main()
