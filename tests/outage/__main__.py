"""`python -m tests.outage`: a burst of events for each way in which the database can be away."""

import argparse
import logging
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from rag.backends.aws import PATIENCE
from tests.outage.burst import Outage, Report, run
from tests.outage.functions import Patience

# The API's, see infra/environment.py.
AS_ON_AWS = Patience(answer_seconds=20, patience=PATIENCE)
KINDS = ("restarted", "paused", "full")


def main() -> None:
    options = _options()
    for name in ("acervo", "psycopg.pool", "psycopg"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    bad = 0
    for kind in options.kinds or KINDS:
        with TemporaryDirectory() as folder:
            outage = Outage(kind=kind, seconds=options.seconds, at=0.2)
            report = run(
                Path(folder), [outage], patience=AS_ON_AWS, events=options.events, documents=options.events
            )
        print(f"{kind} for {options.seconds:g} s", *_lines(report), sep="\n")  # noqa: T201 - a command
        bad += len(report.lost) + report.dead_letters + report.without_advice()
    sys.exit(1 if bad else 0)


def _lines(report: Report) -> list[str]:
    figures = {
        "events": report.events,
        "documents lost": len(report.lost),
        "dead letters": report.dead_letters,
        "deliveries": report.deliveries,
        "most of one event": report.most_deliveries,
        "seconds in all": f"{report.seconds:.1f}",
        "the API's answers": ", ".join(
            f"{count} x {status}" for status, count in sorted(report.statuses().items())
        ),
        "slowest, seconds": f"{report.slowest():.1f}",
        "503 without advice": report.without_advice(),
    }
    return [f"  {name:20}{value}" for name, value in figures.items()]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.outage", description=__doc__)
    parser.add_argument("kinds", nargs="*", choices=[[], *KINDS], metavar="|".join(KINDS))
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--events", type=int, default=500)
    return parser.parse_args()


if __name__ == "__main__":
    main()
