"""Damaged files through the isolated parser: each is a text or a named rejection, and the worker lives."""

import argparse
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from random import Random, SystemRandom
from typing import Final

from ingestion.isolation import IsolatedParser
from rag.domain.content import ExtractedText
from rag.errors import DocumentRejected
from rag.settings import ParsingSettings
from tests.fuzz_mutations import mutated
from tests.fuzz_seeds import Seed, made_seeds, real_seeds

# What a file may take longer than its limit, for a process to be ended and a busy machine to notice.
_GRACE_SECONDS: Final = 10.0
_WORTH_A_LOOK: Final = frozenset({"parser_crashed", "parser_timeout"})


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """`code` is `ready` or the rejection's; `broken` says which promise was not kept, empty: none."""

    number: int
    seed: Seed
    code: str
    seconds: float
    broken: str = ""


@dataclass(kw_only=True)
class Run:
    """A mutation is named by the run's seed and its number, and made again from these."""

    seed: int
    seeds: Sequence[Seed]
    seconds: float
    keep: Path | None = None
    outcomes: list[Outcome] = field(default_factory=list)

    def mutation(self, number: int) -> tuple[Seed, bytes]:
        random = Random(f"{self.seed}:{number}")
        by_format: defaultdict[str, list[Seed]] = defaultdict(list)
        for seed in self.seeds:
            by_format[seed.format].append(seed)
        # Every format is damaged as often as every other, however many files there are of it.
        chosen = random.choice(by_format[random.choice(sorted(by_format))])
        return chosen, mutated(chosen, random.choice(self.seeds), random)

    def work(self, parser: IsolatedParser, numbers: Iterable[int]) -> None:
        for number in numbers:
            self.outcomes.append(self._outcome(parser, number))

    def _outcome(self, parser: IsolatedParser, number: int) -> Outcome:
        seed, body = self.mutation(number)
        started = time.monotonic()
        code, broken = "ready", ""
        try:
            broken = _broken_promise(parser.parse(body, name=seed.name))
        except DocumentRejected as error:
            code = error.code
        except Exception as error:  # noqa: BLE001 - that there is none is what is tried here
            code, broken = "error", f"{type(error).__name__}: {error}"
        seconds = time.monotonic() - started
        if seconds > self.seconds + _GRACE_SECONDS:
            broken = f"took {seconds:.1f} s"
        self._keep(body, seed, number, code, broken)
        return Outcome(number=number, seed=seed, code=code, seconds=seconds, broken=broken)

    def _keep(self, body: bytes, seed: Seed, number: int, code: str, broken: str) -> None:
        if self.keep is not None and (broken or code in _WORTH_A_LOOK):
            self.keep.mkdir(parents=True, exist_ok=True)
            (self.keep / f"{self.seed}-{number}-{code}.{seed.format}").write_bytes(body)


def fuzz(run: Run, mutations: int, *, threads: int = 2, memory_bytes: int = 600_000_000) -> None:
    settings = ParsingSettings(parser_seconds=run.seconds, parser_memory_bytes=memory_bytes)
    with closing(IsolatedParser(settings)) as parser:
        workers = [
            threading.Thread(target=run.work, args=(parser, range(first, mutations, threads)))
            for first in range(threads)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()


def _broken_promise(extracted: ExtractedText) -> str:
    """That spans lie inside the text in order is checked where the text is received."""
    text = extracted.text
    if not text.strip():
        return "a text of blanks"
    if "\x00" in text:
        return "a NUL, which PostgreSQL refuses"
    if any("\ud800" <= character <= "\udfff" for character in text):
        return "half a surrogate pair"
    if any(not text[block.start : block.end].strip() for block in extracted.blocks):
        return "a block of blanks"
    return ""


def table(outcomes: Sequence[Outcome]) -> str:
    codes = [code for code, _ in Counter(outcome.code for outcome in outcomes).most_common()]
    counts = Counter((outcome.seed.format, outcome.code) for outcome in outcomes)
    lines = [f"{'format':<8}{'all':>7}" + "".join(f"{code:>24}" for code in codes) + f"{'slowest s':>12}"]
    for name in sorted({outcome.seed.format for outcome in outcomes}):
        own = [outcome for outcome in outcomes if outcome.seed.format == name]
        slowest = max(outcome.seconds for outcome in own)
        row = "".join(f"{counts[name, code]:>24}" for code in codes)
        lines.append(f"{name:<8}{len(own):>7}{row}{slowest:>12.2f}")
    return "\n".join(lines)


def main() -> int:
    """1 where a promise was broken."""
    arguments = _arguments()
    run = Run(
        seed=arguments.seed,
        seeds=[*made_seeds(), *real_seeds()],
        seconds=arguments.seconds,
        keep=arguments.keep,
    )
    _say(f"seed {run.seed}, {len(run.seeds)} files, {arguments.mutations} mutations")
    started = time.monotonic()
    fuzz(run, arguments.mutations, threads=arguments.threads)
    _say(table(run.outcomes))
    _say(f"{time.monotonic() - started:.0f} s")
    broken = [outcome for outcome in run.outcomes if outcome.broken]
    for outcome in broken:
        _say(f"BROKEN {outcome.number} ({outcome.seed.name}): {outcome.broken}")
    if run.keep is not None and run.keep.exists():
        _say(f"kept in {run.keep}")
    return bool(broken) or len(run.outcomes) != arguments.mutations


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--mutations", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(1_000_000))
    parser.add_argument("--seconds", type=float, default=20, help="limit of one document")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--keep", type=Path, default=Path("fuzz-findings"), help="where findings are kept")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
