"""Hurts a real server while it works and says what it lost: `python -m tests.kills`."""

import argparse
import json
import signal
import sys
from dataclasses import asdict
from fnmatch import fnmatch

from tests.kills.matrix import Outcome, cells, outcomes


def main() -> int:
    """1 where a promise was not kept, 2 where nothing was tried."""
    arguments = _arguments()
    # What was started in the background ignores SIGINT, and so would the server and its parsers.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # The servers of the tests end with them.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    chosen = [cell for cell in cells() if fnmatch(cell, arguments.only)]
    found = []
    for outcome in outcomes(chosen):
        found.append(outcome)
        _say(_line(outcome), to_stderr=arguments.json)
    if arguments.json:
        _say(json.dumps([asdict(outcome) for outcome in found]), to_stderr=False)
    if all(outcome.skipped for outcome in found):
        return 2
    return int(any(outcome.problems for outcome in found))


def _line(outcome: Outcome) -> str:
    if outcome.skipped:
        return f"{outcome.name:<28} skipped: {outcome.skipped}"
    told = "ok" if not outcome.problems else f"{len(outcome.problems)} PROBLEMS"
    lines = [f"{outcome.name:<28} {told:<12} {outcome.recovery_seconds:5.1f} s, {outcome.accepted} accepted"]
    return "\n".join([*lines, *(f"    {problem}"[:300] for problem in outcome.problems[:5])])


def _say(text: str, *, to_stderr: bool) -> None:
    stream = sys.stderr if to_stderr else sys.stdout
    stream.write(f"{text}\n")
    stream.flush()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.kills", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON list; the table goes to stderr")
    parser.add_argument(
        "--only", metavar="PATTERN", default="*", help="cells FAULT:MOMENT, as in 'kill-*:ingest'"
    )
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
