"""Reading documents: pages or megabytes a second and peak memory, beside the libraries that others use.

Every reader runs in a process of its own, first once to warm up; the rounds of all readers of a format are
interleaved, and the table has the median. Peak memory is of the process with the file, the library and the
result; of "acervo, isolated" it is that of the parsing process, whose worker holds file and text besides.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from bench.parsing_files import FILES, PDF_PAGES
from bench.parsing_readers import ALL, OURS, READERS, Reader

_LONGEST: Final = 600.0
_MODULES: Final = {
    "markitdown": "markitdown",
    "pypdf": "pypdf",
    "pdfminer.six": "pdfminer",
    "beautifulsoup4": "bs4",
    "trafilatura": "trafilatura",
    "docx2txt": "docx2txt",
    "python-docx": "docx",
    "mammoth": "mammoth",
    "python-pptx": "pptx",
    "python-calamine": "python_calamine",
    "openpyxl": "openpyxl",
    "pandas": "pandas",
}


class Contender:
    """A process that reads the one file whenever it is told to."""

    def __init__(self, suffix: str, name: str, path: Path) -> None:
        self.name = name
        self.seconds: list[float] = []
        self.report: dict[str, Any] = {}
        self._process = subprocess.Popen(  # noqa: S603 - this module
            [sys.executable, "-m", "bench.parsing", "--serve", suffix, name, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def read(self) -> None:
        asking, answers = self._process.stdin, self._process.stdout
        if asking is None or answers is None:
            raise RuntimeError("the process has no pipes")
        asking.write("read\n")
        asking.flush()
        self.report = json.loads(answers.readline())
        self.seconds.append(self.report["seconds"])

    def close(self) -> None:
        self._process.communicate(timeout=_LONGEST)


def readers_of(suffix: str) -> Mapping[str, Callable[[str], Reader]]:
    """Those whose library is installed."""
    all_of_them = {**OURS, **READERS[suffix], **ALL}
    if suffix in {"csv", "json", "xml"}:
        del all_of_them["markitdown"]  # guesses the encoding and does no more
    return {name: reader for name, reader in all_of_them.items() if _installed(name)}


def _installed(name: str) -> bool:
    module = _MODULES.get(name.partition(",")[0])
    return module is None or find_spec(module) is not None


def serve(suffix: str, name: str, path: Path) -> None:
    read = readers_of(suffix)[name](suffix)
    body = path.read_bytes()
    for _ in sys.stdin:
        started = time.perf_counter()
        text = read(body)
        seconds = time.perf_counter() - started
        print(json.dumps({"seconds": seconds, "characters": len(text), "peak": _peak(name)}), flush=True)


def _peak(name: str) -> int:
    """Megabytes."""
    if name == "acervo, isolated":
        parser: Any = import_module("ingestion.isolation").shared_parser()
        peak: int = parser.peak_bytes
        return round(peak / 1e6)
    unit = 1 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6)


@contextmanager
def _contenders(suffix: str, path: Path) -> Iterator[list[Contender]]:
    contenders = [Contender(suffix, name, path) for name in readers_of(suffix)]
    try:
        yield contenders
    finally:
        for contender in contenders:
            contender.close()


def measure(suffix: str, rounds: int) -> dict[str, Any]:
    body = FILES[suffix]()
    with tempfile.TemporaryDirectory(prefix="acervo-bench-") as folder:
        path = Path(folder) / f"a.{suffix}"
        path.write_bytes(body)
        with _contenders(suffix, path) as contenders:
            for _ in range(rounds + 1):
                for contender in contenders:
                    contender.read()
    unit, amount = ("pages", PDF_PAGES) if suffix == "pdf" else ("MB", len(body) / 1e6)
    return {
        "format": suffix,
        "unit": unit,
        "amount": amount,
        "readers": {each.name: _figures(each, amount) for each in contenders},
    }


def _figures(contender: Contender, amount: float) -> dict[str, Any]:
    rate = amount / statistics.median(contender.seconds[1:])
    return {"rate": rate, "peak_mb": contender.report["peak"], "characters": contender.report["characters"]}


def _table(report: Mapping[str, Any]) -> str:
    unit = report["unit"]
    lines = [f"{report['format']}, {report['amount']:.4g} {unit}"]
    lines.append(f"  {'reader':<28}{unit + '/s':>12}{'peak MB':>10}{'characters':>14}")
    for name, found in report["readers"].items():
        rate, peak, characters = found["rate"], found["peak_mb"], found["characters"]
        lines.append(f"  {name:<28}{rate:>12.4g}{peak:>10}{characters:>14,}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.parsing", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--formats", nargs="+", choices=[*FILES], default=[*FILES])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--serve", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        suffix, name, path = arguments.serve
        serve(suffix, name, Path(path))
        return
    for suffix in arguments.formats:
        report = measure(suffix, arguments.rounds)
        print(json.dumps(report) if arguments.json else _table(report), flush=True)


if __name__ == "__main__":
    main()
