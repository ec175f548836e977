"""A server whose service manager starts it again, and what it accepted while it was hurt."""

import os
import signal
import subprocess
import tempfile
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import httpx
from reportlab.pdfgen.canvas import Canvas

from tests.app.cli.commands import ACERVO
from tests.attack.world import ROOT, served

LIBRARY: Final = "library"
# Recovery without hands, and how long a server may take to end when it is asked.
RECOVERY: Final = 30.0
STOPS: Final = 25.0
_WORK: Final = 90.0
_GLANCE: Final = 0.1
# Importing what a parser needs takes 0.4 s of its processor's time (2026-12).
_STARTED_TICKS: Final = 60
_PARSER: Final = b"ingestion.parse"


@dataclass(kw_only=True)
class Scene:
    """`accepted`: what the server promised to keep, by id; `problems`: promises that were not kept."""

    data_dir: Path
    settings: Mapping[str, str]
    process: subprocess.Popen[bytes]
    port: int
    stack: ExitStack
    accepted: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def restart(self) -> None:
        """What a service manager does when the process has ended."""
        self.process, self.port = self.stack.enter_context(served(self.data_dir, self.settings))

    def await_end(self, what: str) -> None:
        """The server was asked to end."""
        started = time.monotonic()
        try:
            self.process.wait(STOPS)
        except subprocess.TimeoutExpired:
            self.problems.append(f"does not end {STOPS:g} s after {what}")
            self.process.kill()
            self.process.wait()
        if (seconds := time.monotonic() - started) > STOPS:
            self.problems.append(f"took {seconds:.1f} s to end after {what}")

    def post(self, number: int, *, words: int = 1_500) -> bool:
        return self.send({"key": f"d{number}.md", "text": _text(number, words)})

    def post_pdf(self, number: int) -> bool:
        """One that takes its reader seconds."""
        content = b64encode(_pdf()).decode("ascii")
        return self.send({"key": f"d{number}.pdf", "content_base64": content, "title": str(number)})

    def send(self, body: Mapping[str, str]) -> bool:
        try:
            answer = httpx.post(f"{self.url}/v1/collections/{LIBRARY}/documents", json=body, timeout=10)
        except httpx.TransportError:
            return False
        if answer.is_success:
            self.accepted.add(answer.json()["id"])
        else:
            self.refused.append(answer.status_code)
        return answer.is_success

    def documents(self) -> list[dict[str, Any]]:
        """Raises httpx.HTTPError."""
        path, cursor, found = f"{self.url}/v1/collections/{LIBRARY}/documents", "", []
        while True:
            given = {"limit": "100"} | ({"cursor": cursor} if cursor else {})
            page = httpx.get(path, params=given, timeout=10).raise_for_status().json()
            found += page["data"]
            if not (cursor := page.get("next_cursor") or ""):
                return found

    def recovered(self, since: float) -> float:
        """Seconds from the fault until it is ready and finds something again; noted where too many."""
        while time.monotonic() < since + 2 * RECOVERY:
            with suppress(httpx.HTTPError):
                httpx.get(f"{self.url}/readyz", timeout=5).raise_for_status()
                asked = {"query": "refunds", "collections": [LIBRARY]}
                httpx.post(f"{self.url}/v1/search", json=asked, timeout=5).raise_for_status()
                break
            time.sleep(0.1)
        seconds = time.monotonic() - since
        if seconds > RECOVERY:
            self.problems.append(f"recovery took {seconds:.0f} s")
        return seconds

    def settle(self) -> None:
        """Everything that was accepted is ready in the end, and nothing healthy is failed."""
        until, found = time.monotonic() + _WORK, None
        while time.monotonic() < until:
            with suppress(httpx.HTTPError):
                found = self.documents()
                if all(each["status"] in {"ready", "failed"} for each in found):
                    break
            time.sleep(0.3)
        if found is None:
            self.problems.append("the documents cannot be listed")
        else:
            self.problems += verdict(self.accepted, found)

    def parsers(self) -> list[int]:
        return [pid for pid in _children(self.process.pid) if _PARSER in _command_of(pid)]

    def reading(self) -> list[int]:
        """Parsers that work on a file: what they take to start themselves is over."""
        before = {pid: _ticks(pid) for pid in self.parsers()}
        time.sleep(_GLANCE)
        return [pid for pid, ticks in before.items() if ticks > _STARTED_TICKS and _ticks(pid) > ticks + 2]

    def command(self, *arguments: str) -> "subprocess.Popen[bytes]":
        """An operator's command on the same data, in a group of its own."""
        given = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}}  # noqa: TID251 - a child's
        return subprocess.Popen(
            [*ACERVO, *arguments, "--data-dir", str(self.data_dir)],
            cwd=ROOT,
            env={**given, **self.settings},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )


def verdict(accepted: set[str], documents: list[dict[str, Any]]) -> list[str]:
    """What was accepted and is not ready; all documents are healthy ones."""
    by_id = {each["id"]: each for each in documents}
    problems = [f"lost: {each}" for each in sorted(accepted - by_id.keys())]
    for each in documents:
        if each["status"] == "failed":
            problems.append(f"healthy and failed: {each['key']} {each.get('failure') or each.get('error')}")
        elif each["status"] != "ready" and each["id"] in accepted:
            problems.append(f"not ready after {_WORK:g} s: {each['key']} is {each['status']}")
    return problems


@contextmanager
def scene(settings: Mapping[str, str], *, small_disk: bool = False) -> Iterator[Scene]:
    with ExitStack() as stack:
        folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="kills-", ignore_cleanup_errors=True))
        )
        if small_disk:
            stack.enter_context(mounted(folder, "-t", "tmpfs", "-o", "size=450m,mode=755", "none"))
        process, port = stack.enter_context(served(folder / "data", settings))
        made = Scene(data_dir=folder / "data", settings=settings, process=process, port=port, stack=stack)
        httpx.post(f"{made.url}/v1/collections", json={"name": LIBRARY}, timeout=20).raise_for_status()
        yield made


@contextmanager
def mounted(folder: Path, *arguments: str) -> Iterator[None]:
    """Raises subprocess.CalledProcessError where that is not allowed."""
    subprocess.run(["mount", *arguments, str(folder)], check=True, capture_output=True)  # noqa: S607
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=False, capture_output=True)  # noqa: S607


def signalled(pid: int, number: signal.Signals) -> bool:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


@cache
def _pdf(pages: int = 250) -> bytes:
    written = BytesIO()
    canvas = Canvas(written, invariant=True)
    for page in range(pages):
        for line in range(45):
            canvas.drawString(
                60, 790 - 16 * line, f"Refunds of order {page}.{line} are paid within {line} days."
            )
        canvas.showPage()
    canvas.save()
    return written.getvalue()


def _text(number: int, words: int) -> str:
    sentences = (
        f"Refunds of order {number} in part {part} are paid within {part % 30 + 1} days."
        + ("\n\n" if part % 8 == 7 else "")
        for part in range(words // 10)
    )
    return f"# Document {number}\n\n" + " ".join(sentences)


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found += map(int, task.read_text("ascii").split())
    return found


def _ticks(pid: int) -> int:
    """Of the processor, in hundredths of a second."""
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])
    return 0


def _command_of(pid: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""
