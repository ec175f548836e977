"""What every command says of itself, and how soon."""

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.app.cli.commands import acervo

COMMANDS = (
    "serve",
    "ingest",
    "ask",
    "search",
    "documents",
    "documents delete",
    "documents retry",
    "collections",
    "collections change",
    "collections create",
    "collections delete",
    "why",
    "reconcile",
    "redrive",
    "reembed",
    "put-record",
    "index status",
    "index drop",
    "index build",
    "keys create",
    "keys list",
    "keys revoke",
    "keys limit",
    "doctor",
)
HEAVY = {"boto3", "fastapi", "langchain_core", "numpy", "psycopg", "httpx", "rich", "uvicorn", "wordllama"}
PROGRAM = """
import contextlib, io, json, sys
from app.cli.main import main
printed = {}
for command in sys.argv[1:]:
    sys.argv[1:] = [*command.split(), "--help"]
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.suppress(SystemExit):
        main()
    printed[command] = out.getvalue()
print(json.dumps({"printed": printed, "loaded": list(sys.modules)}))
"""


def helped(*commands: str) -> Any:
    """What was printed for each command, and every module loaded for that, in one process."""
    command = [sys.executable, "-c", PROGRAM, *commands]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def test_the_first_help_imports_nothing_heavy() -> None:
    told = helped("")
    assert set(told["loaded"]) & (HEAVY | {"pydantic", "pydantic_core"}) == set()
    for line in ("0    everything", "1    something", "2    the command", "3    the server", "130  interr"):
        assert line in told["printed"][""]


@pytest.fixture(scope="module")
def help_of_commands() -> Any:
    return helped(*COMMANDS)


def test_no_commands_help_imports_anything_heavy(help_of_commands: Any) -> None:
    """Typer itself (0.29) loads pydantic to read a command's options."""
    assert set(help_of_commands["loaded"]) & HEAVY == set()


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_examples(help_of_commands: Any, command: str) -> None:
    text = help_of_commands["printed"][command]
    assert text.startswith(f"Usage: acervo {command} ")
    assert f"  acervo {command}" in text.partition("Example")[2]
    assert "\x1b" not in text


def test_version() -> None:
    told = acervo("--version")
    assert told.code == 0
    assert told.out.startswith("acervo ")
