"""Cold starts of the API's bundle in awslambdaric, beside the same code uncompiled and imported at once.

Needs Python 3.13; the packages come through uv. The bundle is the x86-64 twin of the one that Lambda runs.
S3, Bedrock and the database are on loopback and answer at once: the figures are the function's own share,
without Lambda's time to fetch the bundle and start the machine. Files are in the page cache.
"""

import argparse
import json
import shutil
import statistics
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from bench.coldstart_service import answered, health_event, question_event, service
from infra.bundle import TWIN_PLATFORM, build
from infra.bundles.functions import FUNCTIONS, REPOSITORY
from infra.bundles.packages import find_python, install
from infra.bundles.sources import imported_modules
from tests.doubles.lambda_runtime import LambdaFunction, lambda_function

RUNS: Final = 7
WARM_EVENTS: Final = 200
READY_BAR: Final = 0.3
ANSWERED_BAR: Final = 0.5
API: Final = FUNCTIONS["api"]

# A handler that imports what it may ever need before its first event.
_EAGER: Final = """
from importlib import import_module
LACKING = {lacking!r}
for name in {modules!r}:
    try:
        import_module(name)
    except ModuleNotFoundError as error:
        if str(error.name).partition(".")[0] not in LACKING:
            raise
from app.lambda_handler import handler
"""


@dataclass(frozen=True, kw_only=True)
class Contender:
    name: str
    bundle: Path
    handler: str


@dataclass(frozen=True, kw_only=True)
class ColdStart:
    """Seconds from the process's start until it asks for its first event, and until that is answered."""

    ready: float
    answered: float


def main() -> None:
    arguments = _arguments()
    with tempfile.TemporaryDirectory(prefix="acervo-coldstart-") as name, service() as variables:
        folder = Path(name)
        contenders = _contenders(folder)
        starts: dict[str, list[ColdStart]] = {contender.name: [] for contender in contenders}
        for _ in range(arguments.runs):
            for contender in contenders:  # in turn: what disturbs the machine disturbs all
                starts[contender.name].append(_start(contender, folder / "runtime", variables))
        warm = _warm(contenders[0], folder / "runtime", variables)
    report = _report(starts, warm, [contender.name for contender in contenders])
    print(json.dumps(report) if arguments.json else _table(report))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _contenders(folder: Path) -> tuple[Contender, ...]:
    install(REPOSITORY / "requirements" / "lambda-runtime.txt", folder / "runtime", platform=TWIN_PLATFORM)
    ours = build(API, folder / "ours", platform=TWIN_PLATFORM)
    modules = imported_modules(REPOSITORY, API.module)
    eager = _EAGER.format(lacking=sorted(API.lacking), modules=modules)
    (ours / "eager_handler.py").write_text(eager, encoding="utf-8")
    plain = folder / "plain"
    shutil.copytree(ours, plain, ignore=shutil.ignore_patterns("__pycache__"))
    return (
        Contender(name="acervo", bundle=ours, handler=f"{API.module}.handler"),
        Contender(name="imported at once", bundle=ours, handler="eager_handler.handler"),
        Contender(name="uncompiled", bundle=plain, handler=f"{API.module}.handler"),
        Contender(name="uncompiled, imported at once", bundle=plain, handler="eager_handler.handler"),
    )


@contextmanager
def _running(contender: Contender, runtime: Path, variables: Mapping[str, str]) -> Iterator[LambdaFunction]:
    python = find_python()
    with lambda_function(
        contender.bundle, contender.handler, python=python, runtime=runtime, environment=variables
    ) as function:
        yield function


def _start(contender: Contender, runtime: Path, variables: Mapping[str, str]) -> ColdStart:
    with _running(contender, runtime, variables) as function:
        ready = function.wait_until_ready()
        response = function.invoke(question_event())
        seconds = function.seconds_alive()
    if not answered(response):
        raise RuntimeError(f"{contender.name} did not answer the question: {response}")
    return ColdStart(ready=ready, answered=seconds)


def _warm(contender: Contender, runtime: Path, variables: Mapping[str, str]) -> dict[str, float]:
    """Milliseconds of an event that touches nothing, and of a question, p50."""
    with ExitStack() as stack:
        function = stack.enter_context(_running(contender, runtime, variables))
        return {
            "health": _p50(function, health_event(), WARM_EVENTS),
            "question": _p50(function, question_event(), WARM_EVENTS // 4),
        }


def _p50(function: LambdaFunction, event: Mapping[str, Any], events: int) -> float:
    seconds = []
    for _ in range(events):
        started = perf_counter()
        function.invoke(event)
        seconds.append(perf_counter() - started)
    return statistics.median(seconds) * 1000


def _report(
    starts: Mapping[str, Sequence[ColdStart]], warm: Mapping[str, float], names: Sequence[str]
) -> dict[str, Any]:
    medians = {
        name: {
            "ready_ms": round(statistics.median(each.ready for each in starts[name]) * 1000, 1),
            "answered_ms": round(statistics.median(each.answered for each in starts[name]) * 1000, 1),
        }
        for name in names
    }
    ours, worst = medians[names[0]], medians[names[-1]]
    bars = {
        "ready for the first event": (ours["ready_ms"] / worst["ready_ms"], READY_BAR),
        "first question answered": (ours["answered_ms"] / worst["answered_ms"], ANSWERED_BAR),
    }
    return {
        "runs": len(starts[names[0]]),
        "cold": medians,
        "bars": {name: {"measured": round(m, 3), "most": most} for name, (m, most) in bars.items()},
        "warm_p50_ms": {name: round(value, 2) for name, value in warm.items()},
    }


def _table(report: Mapping[str, Any]) -> str:
    lines = [f"Cold start of the API, median of {report['runs']}", f"  {'':<32}{'ready':>10}{'answered':>12}"]
    lines += [
        f"  {name:<32}{each['ready_ms']:>7.0f} ms{each['answered_ms']:>9.0f} ms"
        for name, each in report["cold"].items()
    ]
    lines += ["", "Share of the time uncompiled and imported at once"]
    lines += [
        f"  {name:<32}{bar['measured']:>7.2f}  at most {bar['most']:g}"
        f"{'' if bar['measured'] <= bar['most'] else '  MISSED'}"
        for name, bar in report["bars"].items()
    ]
    lines += ["", "Warm, p50, with the Runtime API's two requests"]
    lines += [f"  {name:<32}{value:>7.2f} ms" for name, value in report["warm_p50_ms"].items()]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
