"""The figures of `bench.search` as a table, with what must hold."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

_COLUMNS: Final = (
    "p50_ms",
    "p95_ms",
    "p99_ms",
    "overlap@10",
    "recall@10",
    "rows",
    "rows_least",
    "per_second",
)
# The figures of the issue hold at this size.
_FULL_SIZE: Final = 500_000
# Of the mixed load, less what its first and last seconds lack.
_PER_SECOND: Final = 50
_PACE: Final = 0.9


@dataclass(frozen=True, kw_only=True)
class Bar:
    """`at_least` False: the bound is the most that it may be."""

    name: str
    measured: float
    bound: float
    at_least: bool = False

    @property
    def holds(self) -> bool:
        return self.measured >= self.bound if self.at_least else self.measured <= self.bound


def bars(report: Mapping[str, Any]) -> list[Bar]:
    keyword, semantic, hybrid = (report[leg] for leg in ("keyword", "semantic", "hybrid"))
    found = [
        Bar(
            name="keyword overlap@10 with exhaustive BM25",
            measured=keyword["overlap@10"],
            bound=0.97,
            at_least=True,
        ),
        Bar(name="semantic recall@10", measured=semantic["recall@10"], bound=0.98, at_least=True),
        Bar(
            name="semantic p50 as a multiple of the raw statement's",
            measured=semantic["p50_ms"] / semantic["raw_p50_ms"],
            bound=1.3,
        ),
        Bar(
            name="hybrid p50 beyond keyword and semantic, ms",
            measured=hybrid["p50_ms"] - keyword["p50_ms"] - semantic["p50_ms"],
            bound=5.0,
        ),
        *_filtered(report),
        *_mixed(report),
    ]
    if report["chunks"] >= _FULL_SIZE:
        found.append(Bar(name="keyword p50, ms", measured=keyword["p50_ms"], bound=30.0))
        found.append(Bar(name="keyword p95, ms", measured=keyword["p95_ms"], bound=60.0))
    return found


def _filtered(report: Mapping[str, Any]) -> Iterator[Bar]:
    for share, figures in report["filtered"].items():
        name = f"filtered {float(share):.0%}"
        yield Bar(name=f"{name}: recall@10", measured=figures["recall@10"], bound=0.95, at_least=True)
        yield Bar(name=f"{name}: fewest rows", measured=figures["rows_least"], bound=10, at_least=True)


def _mixed(report: Mapping[str, Any]) -> Iterator[Bar]:
    mixed = report.get("mixed")
    if mixed is None:
        return
    yield Bar(name="mixed: errors", measured=sum(mixed["errors"].values()), bound=0)
    yield Bar(name="mixed: deadlocks", measured=mixed["deadlocks"], bound=0)
    yield Bar(name="mixed: results that had gone", measured=mixed["stale"], bound=0)
    for did in ("written", "deleted"):
        name = f"mixed: documents {did} a second"
        yield Bar(name=name, measured=mixed[f"{did}_per_second"], bound=_PACE * _PER_SECOND, at_least=True)
    multiple = mixed["busy"]["p95_ms"] / mixed["quiet"]["p95_ms"]
    yield Bar(name="mixed: p95 as a multiple of the quiet one", measured=multiple, bound=3.0)


def table(report: Mapping[str, Any]) -> str:
    steps = ", ".join(f"{name} {seconds:g}" for name, seconds in report["steps_s"].items())
    lines = [
        f"{report['chunks']} chunks, {report['recombined']} of them made of halves of others",
        f"{report['questions']} questions; built in {report['build_s']:g} s",
        f"  {steps}",
        "",
        f"{'':<34}" + "".join(f"{column:>12}" for column in _COLUMNS),
        *(_row(name, figures) for name, figures in _rows(report)),
        "",
        "What must hold",
        *map(_bar, bars(report)),
        "",
        "MB: " + ", ".join(f"{name} {size:g}" for name, size in report["sizes_mb"].items()),
    ]
    return "\n".join(lines)


def _rows(report: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for leg in ("keyword", "tantivy", "semantic", "raw", "hybrid"):
        yield leg, report[leg]
    for share, figures in report["filtered"].items():
        yield f"semantic, filter {float(share):.0%}", figures
    for clients, modes in report["clients"].items():
        for mode, figures in modes.items():
            yield f"{clients} clients, {mode}", figures
    for peer, legs in report["peers"].items():
        for leg in ("semantic", "hybrid"):
            yield f"{peer}, {leg}", legs.get(leg, {})
    for state in ("quiet", "busy") if "mixed" in report else ():
        yield f"8 clients, {state}", report["mixed"][state]


def _row(name: str, figures: Mapping[str, Any]) -> str:
    return f"{name:<34}" + "".join(f"{figures.get(column, ''):>12}" for column in _COLUMNS)


def _bar(bar: Bar) -> str:
    bound = f"{'at least' if bar.at_least else 'at most'} {bar.bound:g}"
    return f"  {bar.name:<50} {bar.measured:>10.3f}  {bound}{'' if bar.holds else '  MISSED'}"
