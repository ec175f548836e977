"""Writing chunks that are embedded already: Acervo beside the raw COPY and other libraries' vector stores.

Acervo is its ledger's `stage`: the application role, row-level security, all keys and indexes, the terms for
keyword search. "copy" is the binary COPY of id, text and vector into a table with nothing of that, "copy of
everything" that of all the columns that Acervo stores. They write the same groups in turn, so that what slows
the machine slows them alike; the median of three rounds is given. Then the same beside an HNSW index.

Peers run where they are installed (`make peers`): `.venv-bench/bin/python -m bench.writing`.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

from bench.writing_chunks import grouped, make_chunks
from bench.writing_contenders import Acervo, Contender, Copy, CopyOfEverything
from bench.writing_peers import PEERS
from rag.adapters.postgres.embedded import DEFAULT_SETTINGS, EmbeddedServer
from rag.domain.content import EmbeddedChunk

GROUP: Final = 500
ROUNDS: Final = 3
HNSW_CHUNKS: Final = 4000
PEER_GROUPS: Final = 4
Kind: TypeAlias = Callable[[str], Contender]
CONTENDERS: Final[Mapping[str, Kind]] = {
    "acervo": Acervo,
    "copy": Copy,
    "copy of everything": CopyOfEverything,
}


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """`rate`: chunks a second. `missing`: the package that is not installed."""

    name: str
    rate: float = 0.0
    missing: str | None = None


def main() -> None:
    arguments = _arguments()
    chunks = make_chunks(arguments.chunks)
    with tempfile.TemporaryDirectory(prefix="acervo-bench-") as folder, _server(Path(folder)) as server:
        plain = _measure(server, {**CONTENDERS, **PEERS}, chunks, hnsw=False)
        hnsw = _measure(server, CONTENDERS, chunks[:HNSW_CHUNKS], hnsw=True)
    bars = _bars(plain, hnsw)
    print(json.dumps(_report(plain, hnsw, bars)) if arguments.json else _table(plain, hnsw, bars))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.writing", description=__doc__)
    parser.add_argument("--chunks", type=int, default=20_000)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    return parser.parse_args()


@contextmanager
def _server(folder: Path) -> Iterator[str]:
    """Without fsync, and with a cache that holds what they write: nobody writes out another's pages."""
    settings = {**DEFAULT_SETTINGS, "shared_buffers": "512MB"}
    with EmbeddedServer(folder, settings=settings, sync=False) as running:
        yield running.start()


def _measure(
    server: str, kinds: Mapping[str, Kind], chunks: Sequence[EmbeddedChunk], *, hnsw: bool
) -> list[Measurement]:
    opened = {
        name: _open(kind, _new_database(server, f"{name}, hnsw {hnsw}")) for name, kind in kinds.items()
    }
    contenders = {name: found for name, found in opened.items() if not isinstance(found, str)}
    with ExitStack() as stack:
        for contender in contenders.values():
            stack.callback(contender.close)
        rounds = [_round(contenders, grouped(chunks, GROUP), hnsw=hnsw) for _ in range(ROUNDS)]
    return [
        Measurement(name=name, missing=found)
        if isinstance(found, str)
        else Measurement(name=name, rate=statistics.median(rates[name] for rates in rounds))
        for name, found in opened.items()
    ]


def _open(kind: Kind, conninfo: str) -> Contender | str:
    """The contender, or the package that it misses."""
    try:
        return kind(conninfo)
    except ModuleNotFoundError as error:
        return str(error.name)


def _round(
    contenders: Mapping[str, Contender], groups: Sequence[Sequence[EmbeddedChunk]], *, hnsw: bool
) -> dict[str, float]:
    """Chunks a second. Peers are slow: they write a few groups only, spread over the round."""
    seconds = dict.fromkeys(contenders, 0.0)
    written = dict.fromkeys(contenders, 0)
    for contender in contenders.values():
        contender.empty(hnsw=hnsw)
    for number, group in enumerate(groups):
        for name, contender in contenders.items():
            if name in PEERS and number % max(1, len(groups) // PEER_GROUPS):
                continue
            contender.prepare(group)
            started = time.perf_counter()
            contender.write(group)
            seconds[name] += time.perf_counter() - started
            written[name] += len(group)
    return {name: written[name] / seconds[name] for name in contenders}


def _new_database(server: str, name: str) -> str:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
    return make_conninfo(server, dbname=name)


def _bars(plain: Sequence[Measurement], hnsw: Sequence[Measurement]) -> dict[str, tuple[float, float]]:
    """What must hold: measured and least."""
    rates = {item.name: item.rate for item in plain}
    indexed = {item.name: item.rate for item in hnsw}
    bars = {
        "share of the copy": (rates["acervo"] / rates["copy"], 0.5),
        "share of the copy, HNSW": (indexed["acervo"] / indexed["copy"], 0.85),
    }
    if rates["langchain PGVector"]:
        bars["times langchain PGVector"] = (rates["acervo"] / rates["langchain PGVector"], 15.0)
    return bars


def _report(
    plain: Sequence[Measurement],
    hnsw: Sequence[Measurement],
    bars: Mapping[str, tuple[float, float]],
) -> dict[str, Any]:
    def described(items: Sequence[Measurement]) -> list[dict[str, Any]]:
        return [{**asdict(item), "rate": round(item.rate, 1)} for item in items]

    return {
        "without_index": described(plain),
        "with_hnsw": described(hnsw),
        "bars": {name: {"measured": round(m, 3), "least": least} for name, (m, least) in bars.items()},
    }


def _table(
    plain: Sequence[Measurement],
    hnsw: Sequence[Measurement],
    bars: Mapping[str, tuple[float, float]],
) -> str:
    lines = [
        "Without a vector index",
        *map(_line, plain),
        "",
        "With an HNSW index",
        *map(_line, hnsw),
    ]
    lines += ["", "What must hold"]
    lines += [
        f"  {name:<26} {measured:>10.2f}  at least {least:g}{'' if measured >= least else '  MISSED'}"
        for name, (measured, least) in bars.items()
    ]
    return "\n".join(lines)


def _line(item: Measurement) -> str:
    if item.missing:
        return f"  {item.name:<26} not installed ({item.missing})"
    return f"  {item.name:<26} {item.rate:>10.0f} chunks/s"


if __name__ == "__main__":
    main()
