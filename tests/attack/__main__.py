"""Attacks a real server of its own and says what it bore: `python -m tests.attack --json`."""

import argparse
import json
import sys
import time

from tests.attack.judge import told
from tests.attack.run import FULL, QUICK, attack


def main() -> int:
    """1 where the server was not equal to it."""
    arguments = _arguments()
    started = time.monotonic()
    result = attack(QUICK if arguments.quick else FULL, _hint)
    lines = [
        *told(result.judge.findings),
        *result.notes,
        f"statuses: {dict(sorted(result.judge.statuses.items()))}",
        f"slow: {result.slow}; {time.monotonic() - started:.0f} s",
        *(f"FAILED: {name}" for name in result.failures),
    ]
    if arguments.json:
        _hint("\n".join(lines))
        sys.stdout.write(json.dumps(result.figures) + "\n")
    else:
        width = max(map(len, result.figures))
        table = [f"{name:<{width}}  {value:>10}" for name, value in result.figures.items()]
        sys.stdout.write("\n".join([*lines, "", *table, ""]))
    return bool(result.failures)


def _hint(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.attack", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object; the findings go to stderr")
    parser.add_argument("--quick", action="store_true", help="a part of everything, in about a minute")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
