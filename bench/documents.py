"""Every file of a folder read as the write path reads it: what came of it, and how long it took.

Files are read in a process of their own (`ingestion/isolation.py`), so a crash or a hang is a failure of
its file: `parser_crashed`, `parser_timeout`. Sending the bytes there and the text back is in the seconds.
"""

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from ingestion.isolation import IsolatedParser, Parser
from rag.errors import DocumentRejected
from rag.settings import ParsingSettings

if TYPE_CHECKING:
    from rag.domain.content import ExtractedText

_LONGEST_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """`status` is "ready" or "failed", with the failure's `code`; a failure has no characters."""

    path: str
    status: str
    code: str | None
    media_type: str | None
    characters: int
    blocks: int
    pages: int
    seconds: float


def main() -> None:
    arguments = _arguments()
    outcomes = list(measure(arguments.data))
    if arguments.json:
        print(json.dumps({"documents": [asdict(outcome) for outcome in outcomes]}, ensure_ascii=False))
    else:
        print(table(outcomes))


def measure(folder: Path) -> Iterator[Outcome]:
    """Files in the order of their paths."""
    with closing(IsolatedParser(ParsingSettings(parser_seconds=_LONGEST_SECONDS))) as parser:
        parser.parse(b"The first file waits for the process.", name="warm-up.txt")
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            yield _outcome(parser, path, str(path.relative_to(folder)))


def _outcome(parser: Parser, path: Path, shown: str) -> Outcome:
    body = path.read_bytes()
    started = time.perf_counter()
    code: str | None = None
    extracted: ExtractedText | None = None
    try:
        extracted = parser.parse(body, name=path.name)
    except DocumentRejected as rejection:
        code = rejection.code
    seconds = time.perf_counter() - started
    return Outcome(
        path=shown,
        status="failed" if extracted is None else "ready",
        code=code,
        media_type=extracted.media_type if extracted else None,
        characters=len(extracted.text) if extracted else 0,
        blocks=len(extracted.blocks) if extracted else 0,
        pages=len(extracted.page_starts) if extracted else 0,
        seconds=round(seconds, 4),
    )


def table(outcomes: Sequence[Outcome]) -> str:
    """One line a file suffix, in Markdown."""
    suffixes = sorted({Path(outcome.path).suffix.lower() for outcome in outcomes})
    rows = [
        "| suffix | files | ready | failed | characters | blocks | pages | median ms | slowest ms |",
        "|---|--:|--:|---|--:|--:|--:|--:|--:|",
    ]
    by_suffix = {
        suffix: [each for each in outcomes if Path(each.path).suffix.lower() == suffix] for suffix in suffixes
    }
    return "\n".join([*rows, *(_row(suffix, found) for suffix, found in by_suffix.items())])


def _row(suffix: str, outcomes: Sequence[Outcome]) -> str:
    codes = [outcome.code for outcome in outcomes if outcome.code]
    failed = ", ".join(f"{codes.count(code)} {code}" for code in sorted(set(codes)))
    times = [outcome.seconds * 1000 for outcome in outcomes]
    counts = (
        sum(outcome.characters for outcome in outcomes),
        sum(outcome.blocks for outcome in outcomes),
        sum(outcome.pages for outcome in outcomes),
    )
    cells = [suffix, f"{len(outcomes)}", f"{len(outcomes) - len(codes)}", failed or "–"]
    cells += [f"{count:,}" for count in counts]
    cells += [f"{median(times):.1f}", f"{max(times):.1f}"]
    return f"| {' | '.join(cells)} |"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="a folder of documents")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    return parser.parse_args()


if __name__ == "__main__":
    main()
