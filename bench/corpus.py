"""Passages of about 1,000 characters from the documentation that Debian packages, in English and Portuguese.

Packages are downloaded by apt-get and unpacked into a cache; Acervo's own readers make text of HTML and PDF.
Of the text each paragraph is kept once. Pages of a package follow one another in the order of their paths and
are cut into passages, twenty of which make a document; documents are shuffled, so that the first N passages
are a sample of all. Before them come the texts of the public sets in ../shared/data, where that folder is, so
that people's questions are about something. One JSON object a line: {"text", "language", "document"}.

Needs Debian (or a container of it) with `apt-get update` done: 2.5 GB of downloads and 12 GB of disk.
"""

import argparse
import json
import random
import shutil
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from itertools import chain, islice
from pathlib import Path
from typing import Final

from bench.corpus_files import Page, read_pages
from bench.corpus_packages import PACKAGES, download, unpack
from bench.corpus_passages import Paragraphs, Passage, passages
from bench.corpus_sets import SETS, set_passages
from rag.errors import DocumentRejected

SEED: Final = 1


def main() -> None:
    arguments = _arguments()
    cache: Path = arguments.cache or arguments.target / "cache"
    names: Sequence[str] = arguments.packages or PACKAGES
    download(names, cache / "debs")
    with ProcessPoolExecutor(arguments.processes) as executor:
        for done in as_completed([executor.submit(extract, name, cache) for name in names]):
            print(done.result(), flush=True)
    file = arguments.target / "chunks.jsonl"
    written = write(names, cache, file, arguments.chunks)
    print(f"{written} passages in {file}")
    if written < arguments.chunks:
        raise SystemExit(f"{arguments.chunks} were asked for: name more --packages")


def extract(name: str, cache: Path) -> str:
    """Makes text of a package unless that was done; says what was found."""
    target = cache / "text" / f"{name}.jsonl"
    if target.exists():
        return f"{name}: known"
    folder = cache / "unpacked" / name
    if not folder.exists():
        unpack(name, cache / "debs", folder)
    target.parent.mkdir(exist_ok=True)
    unfinished = target.with_suffix(".part")
    pages = refused = 0
    with unfinished.open("w", encoding="utf-8") as lines:
        for page in read_pages(folder):
            if isinstance(page, DocumentRejected):
                refused += 1
                continue
            pages += 1
            lines.write(json.dumps(asdict(page)) + "\n")
    unfinished.rename(target)
    shutil.rmtree(folder)
    return f"{name}: {pages} pages, {refused} refused"


def write(names: Sequence[str], cache: Path, file: Path, count: int, *, sets: Path = SETS) -> int:
    """How many passages were written: `count`, or as many as there are; those of the public sets first."""
    documents: dict[str, list[Passage]] = defaultdict(list)
    paragraphs = Paragraphs()
    first = list(set_passages(sets, paragraphs))
    for name in names:
        for passage in passages(name, _pages(cache / "text" / f"{name}.jsonl"), paragraphs):
            documents[passage.document].append(passage)
    order = sorted(documents)
    random.Random(SEED).shuffle(order)
    written = 0
    unfinished = file.with_suffix(".part")
    with unfinished.open("w", encoding="utf-8") as lines:
        for passage in islice(chain(first, *(documents[name] for name in order)), count):
            lines.write(json.dumps(asdict(passage), ensure_ascii=False) + "\n")
            written += 1
    unfinished.rename(file)
    return written


def _pages(file: Path) -> Iterator[Page]:
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            fields = json.loads(line)
            yield Page(**{**fields, "paragraphs": tuple(fields["paragraphs"])})


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.corpus", description=__doc__)
    parser.add_argument("--target", type=Path, required=True, help="folder for chunks.jsonl")
    parser.add_argument("--chunks", type=int, default=510_000)
    parser.add_argument("--cache", type=Path, help="folder for packages and their text, default target/cache")
    parser.add_argument(
        "--packages", nargs="+", help="other packages than those listed in corpus_packages.py"
    )
    parser.add_argument("--processes", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    main()
