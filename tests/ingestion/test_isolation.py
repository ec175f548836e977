"""Whatever a reader does to its process, the worker lives and says what became of the document."""

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

import pytest

from ingestion.analysis import AnalysedChunk, ChunkPlan
from ingestion.isolation import IsolatedParser
from ingestion.parse.reader import parse
from ingestion.units import CountTokens
from rag.domain.content import ExtractedText
from rag.domain.documents import Chunking
from rag.errors import (
    DocumentRejected,
    DocumentTooLarge,
    EmptyDocument,
    ParserCrashed,
    ParserTimedOut,
    ParserUnavailable,
)
from rag.settings import ParsingSettings

HOSTILE = Path(__file__).parents[1] / "doubles" / "hostile_reader"
GOOD = b"A good document.\n\nWith two paragraphs."
WORKER = """
import sys
sys.path.insert(0, sys.argv[1])
from ingestion.isolation import IsolatedParser
from rag.settings import ParsingSettings
parser = IsolatedParser(ParsingSettings())
print(parser.parse(b"DO process_id", name="a.txt").text, flush=True)
parser.parse(b"DO " + sys.argv[2].encode(), name="a.txt")
"""


@pytest.fixture
def parser(monkeypatch: pytest.MonkeyPatch) -> Iterator[IsolatedParser]:
    """Its reader does what documents tell it."""
    monkeypatch.syspath_prepend(HOSTILE)
    settings = ParsingSettings(parser_seconds=1, parser_memory_bytes=300_000_000)
    with closing(IsolatedParser(settings, beat_seconds=0.1)) as parser:
        yield parser


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> Iterator[IsolatedParser]:
    """The same with time enough for a machine that is busy."""
    monkeypatch.syspath_prepend(HOSTILE)
    with closing(IsolatedParser(ParsingSettings(parser_seconds=5))) as parser:
        yield parser


@pytest.mark.parametrize(
    ("deed", "error"),
    [
        ("crash", ParserCrashed),
        ("leave", ParserCrashed),
        ("fail", ParserCrashed),
        ("connect", ParserCrashed),
        ("write_frame", ParserCrashed),
        ("write_endless_frame", ParserCrashed),
        ("wrong_spans", ParserCrashed),
        ("recurse", DocumentTooLarge),
        ("fill_memory", DocumentTooLarge),
        ("hang", ParserTimedOut),
        ("hang_in_c", ParserTimedOut),
    ],
)
def test_a_reader_that_goes_wrong_fails_its_document_alone(
    parser: IsolatedParser, deed: str, error: type[DocumentRejected]
) -> None:
    if deed == "fill_memory" and sys.platform != "linux":
        pytest.skip("only Linux limits a process's memory")
    with pytest.raises(error) as raised:
        parser.parse(f"DO {deed}".encode(), name="a.txt")
    assert type(raised.value) is error
    assert raised.value.detail.endswith(".")
    assert parser.parse(GOOD, name="a.txt") == parse(GOOD, name="a.txt")


def test_a_rejection_comes_back_as_it_was_and_costs_no_process(parser: IsolatedParser) -> None:
    before = _process_id(parser)
    with pytest.raises(EmptyDocument, match="Check that the right file was sent"):
        parser.parse(b" \n", name="a.txt")
    assert _process_id(parser) == before


def test_a_process_serves_many_documents_and_is_then_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(HOSTILE)
    with closing(IsolatedParser(ParsingSettings(parser_documents=3))) as parser:
        ids = [_process_id(parser) for _ in range(5)]
    assert ids[0] == ids[1] == ids[2] != ids[3] == ids[4]


def test_a_worker_that_is_large_itself_keeps_its_process(parser: IsolatedParser) -> None:
    """Linux counts what a process's parent had among the most that the process ever had."""
    large = bytearray(400_000_000)
    large[::4096] = b"x" * len(large[::4096])
    first = _process_id(parser)
    del large
    assert _process_id(parser) == first
    assert 0 < parser.peak_bytes < 200_000_000


def test_a_process_that_has_grown_is_not_kept_for_small_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(HOSTILE)
    with closing(IsolatedParser(ParsingSettings())) as parser:
        first = _process_id(parser)
        parser.parse(b"DO grow", name="a.txt")
        assert _process_id(parser) != first
        assert parser.peak_bytes > 350_000_000


def test_an_idle_process_that_was_ended_is_replaced(parser: IsolatedParser) -> None:
    ended = int(_process_id(parser))
    os.kill(ended, signal.SIGKILL)
    time.sleep(0.1)
    assert parser.parse(GOOD, name="a.txt").text == GOOD.decode()


def test_a_process_that_is_ended_from_outside_costs_its_document_nothing(
    parser: IsolatedParser,
) -> None:
    pid = int(_process_id(parser))
    threading.Timer(0.3, os.kill, (pid, signal.SIGKILL)).start()
    assert parser.parse(b"DO wait", name="a.txt").text == "It waited."


def test_a_document_that_needs_the_memory_of_the_machine_twice_is_too_large(parser: IsolatedParser) -> None:
    """The kernel ends its process, and the one that it is alone in."""
    with pytest.raises(DocumentTooLarge, match="ACERVO_PARSER_MEMORY_BYTES"):
        parser.parse(b"DO be_killed", name="a.txt")


def test_a_crash_that_an_earlier_document_caused_is_not_the_next_ones_fault(parser: IsolatedParser) -> None:
    parser.parse(b"DO poison", name="a.txt")
    assert parser.parse(GOOD, name="a.txt").text == GOOD.decode()


def test_a_file_in_parts_goes_on_in_a_new_process_where_the_lost_one_was(
    parser: IsolatedParser, tmp_path: Path
) -> None:
    pid = int(_process_id(parser))
    (tmp_path / "a.txt").write_text("".join(f"Line {number} of many.\n\n" for number in range(300_000)))
    with (tmp_path / "a.txt").open("rb") as file:
        whole = "".join(part.text for part in _parts(parser, file))
        parts = _parts(parser, file)
        begun = next(parts).text
        assert 0 < len(begun) < len(whole)
        os.kill(pid, signal.SIGKILL)
        assert begun + "".join(part.text for part in parts) == whole


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_a_signal_to_the_group_or_to_everybody_ends_no_parsing_process(parser: IsolatedParser) -> None:
    pid = int(_process_id(parser))
    assert os.getsid(pid) == pid
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(pid, number)
    assert int(_process_id(parser)) == pid


@pytest.mark.skipif(sys.platform != "linux", reason="macOS has no such signal")
@pytest.mark.parametrize("deed", ["hang", "hang_in_c"])
def test_a_parsing_process_ends_with_its_worker(deed: str) -> None:
    """However the worker ends, and whatever its reader does."""
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(HOSTILE), deed], stdout=subprocess.PIPE, text=True
    )
    with worker:
        assert worker.stdout
        pid = int(worker.stdout.readline())
        time.sleep(0.5)
        assert os.getsid(pid) == pid
        worker.kill()
    deadline = time.monotonic() + 20
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{pid}").exists()


def test_nothing_of_the_environment_reaches_the_process(
    parser: IsolatedParser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "geheim")
    monkeypatch.setenv("DATABASE_URL", "postgresql://geheim")
    found = parser.parse(b"DO environment", name="a.txt").text
    assert "geheim" not in found
    assert {line.partition("=")[0] for line in found.splitlines() if line} <= {
        "PYTHONPATH",
        "PYTHONUTF8",
        "LD_LIBRARY_PATH",
        "LC_CTYPE",
        "__CF_USER_TEXT_ENCODING",
    }


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_no_connection_or_file_of_the_worker_reaches_the_process(
    parser: IsolatedParser, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, (tmp_path / "secret.txt").open("w") as secret:
        server.set_inheritable(True)
        os.set_inheritable(secret.fileno(), True)  # noqa: FBT003 - the library's signature
        found = parser.parse(b"DO open_descriptors", name="a.txt").text
    assert "secret.txt" not in found
    assert found.count("socket:") == 1


def test_the_caller_hears_that_its_document_is_still_read_and_can_give_it_up(parser: IsolatedParser) -> None:
    beats: list[float] = []

    class GivenUp(Exception):
        pass

    def beat() -> None:
        beats.append(time.monotonic())
        if len(beats) == 3:
            raise GivenUp

    parser.parse(GOOD, name="a.txt")  # the process has started
    started = time.monotonic()
    with pytest.raises(GivenUp):
        parser.parse(b"DO hang", name="a.txt", beat=beat)
    assert time.monotonic() - started < 3
    assert parser.parse(GOOD, name="a.txt").text == GOOD.decode()


def test_threads_read_side_by_side(parser: IsolatedParser) -> None:
    outcomes: dict[str, str] = {}

    def read(name: str, body: bytes) -> None:
        try:
            outcomes[name] = parser.parse(body, name="a.txt").text
        except DocumentRejected as error:
            outcomes[name] = error.code

    bodies = {"hang": b"DO hang", "crash": b"DO crash"} | {str(n): f"Text {n}.".encode() for n in range(6)}
    threads = [threading.Thread(target=read, args=each) for each in bodies.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == {"hang": "parser_timeout", "crash": "parser_crashed"} | {
        str(n): f"Text {n}." for n in range(6)
    }


def test_a_process_that_cannot_start_is_no_fault_of_the_document(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "ingestion").mkdir()
    (tmp_path / "ingestion" / "__init__.py").write_text("raise RuntimeError('half installed')")
    monkeypatch.syspath_prepend(tmp_path)
    with (
        closing(IsolatedParser(ParsingSettings())) as parser,
        pytest.raises(ParserUnavailable, match="half installed"),
    ):
        parser.parse(GOOD, name="a.txt")


def test_a_crash_leaves_its_trace_in_the_log(
    parser: IsolatedParser, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING), pytest.raises(ParserCrashed):
        parser.parse(b"DO crash", name="a.txt")
    assert "Segmentation fault" in caplog.text
    with caplog.at_level(logging.WARNING), pytest.raises(ParserCrashed):
        parser.parse(b"DO fail", name="a.txt")
    assert "KeyError: 'a bug'" in caplog.text


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits a process's memory")
def test_a_file_that_does_not_fit_into_the_process_is_too_large() -> None:
    with closing(IsolatedParser(ParsingSettings(parser_memory_bytes=100_000_000))) as parser:
        with pytest.raises(DocumentTooLarge, match="ACERVO_PARSER_MEMORY_BYTES"):
            parser.parse(b"word " * 30_000_000, name="a.txt")
        assert parser.parse(GOOD, name="a.txt") == parse(GOOD, name="a.txt")


def test_a_text_beyond_the_limit_is_too_large() -> None:
    with closing(IsolatedParser(ParsingSettings(max_text_characters=10))) as parser:
        assert parser.parse(b"0123456789", name="a.txt").text == "0123456789"
        with pytest.raises(DocumentTooLarge, match="ACERVO_MAX_TEXT_CHARACTERS"):
            parser.parse(b"0123456789A", name="a.txt")


def test_a_text_that_takes_too_long_to_cut_fails_its_document_alone(parser: IsolatedParser) -> None:
    """Whatever pattern it is, and even if it lets no other thread of its process run."""
    with pytest.raises(ParserTimedOut, match="takes longer than 1 s"):
        _chunks(parser, b"Here it would FREEZE.")
    assert [each.chunk.text for each in _chunks(parser, GOOD)] == [GOOD.decode()]


def test_a_text_that_is_cut_ever_so_slowly_has_an_end(patient: IsolatedParser) -> None:
    """Each answer comes in time; their sum does not. What the worker takes to count is its own time."""
    body = b"\n\n".join(b"SLOW. " * 1_000 for _ in range(8))

    def count(texts: Sequence[str]) -> list[int]:
        time.sleep(1)
        return _count_words(texts)

    assert len(_chunks(patient, body.replace(b"SLOW", b"Fast"), count)) > 10
    with pytest.raises(ParserTimedOut):
        _chunks(patient, body, _count_words)


def test_a_process_that_is_lost_while_it_cuts_a_text_costs_nothing(patient: IsolatedParser) -> None:
    body = b"\n\n".join(b"Paragraph %d has a few words." % number for number in range(3_000))
    whole = _chunks(patient, body)
    pid = int(_process_id(patient))
    asked = 0

    def count(texts: Sequence[str]) -> list[int]:
        nonlocal asked
        asked += 1
        if asked == 2:
            os.kill(pid, signal.SIGKILL)
        return _count_words(texts)

    assert _chunks(patient, body, count) == whole


def _count_words(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) for text in texts]


def _chunks(
    parser: IsolatedParser, body: bytes, count_tokens: CountTokens = _count_words
) -> list[AnalysedChunk]:
    plan = ChunkPlan(chunking=Chunking(max_tokens=40), most_tokens=400, title=None, language="en")
    text = parse(body, name="a.txt")
    return list(parser.chunks(text, plan, count_tokens=count_tokens))


def _process_id(parser: IsolatedParser) -> str:
    return parser.parse(b"DO process_id", name="a.txt").text


def _parts(parser: IsolatedParser, file: BinaryIO) -> Iterator[ExtractedText]:
    size = os.fstat(file.fileno()).st_size
    return parser.parse_file(file, size, name="a.txt", whole_bytes=size)
