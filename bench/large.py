"""Large files from the folder to searchable: seconds and the most memory of the worker and of its parser.

Every file goes through a worker process of its own: read, chunked, embedded, staged and published over a real
PostgreSQL. Vectors are made by a quick embedder, since a model's speed and memory are not asked for here.
"""

import argparse
import hashlib
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from itertools import count, islice
from pathlib import Path
from typing import Any, Final

from ingestion.isolation import IsolatedParser
from ingestion.parse.child import peak_bytes
from ingestion.pipeline import Pipeline
from ingestion.reconcile import reconcile
from ingestion.worker import work_once
from rag.adapters.folder import DEFAULT_TENANT, FolderSource
from rag.adapters.postgres.embedded import EmbeddedServer
from rag.adapters.postgres.store import PostgresStore
from rag.domain.content import Vector, VectorStream
from rag.domain.documents import EmbeddingModel
from rag.domain.pages import PageRequest
from rag.settings import IngestionSettings, ParsingSettings
from tests.doubles.write_backend import WriteBackend

_COLLECTION: Final = "large"
_PDF_PAGES: Final = 2_000
_LINES_A_PAGE: Final = 45
_COLUMNS: Final = ("format", "megabytes", "status", "chunks", "pages", "seconds", "worker_mb", "parser_mb")
_VOCABULARY: Final = (
    "contract payment supplier invoice delivery region warehouse quality inspection deadline clause penalty"
    " fornecedor pagamento prazo multa entrega nota fiscal armazém vistoria cláusula contrato região"
)
_WORDS: Final = _VOCABULARY.split()


class QuickEmbedder:
    """Vectors of 256 dimensions by the hash of a text; tokens by the estimate that Bedrock's models get."""

    model = EmbeddingModel(id="quick", dimensions=256)
    semantic_weight = 0.3
    max_tokens = None

    def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        return [self.embed_query(text) for text in texts]

    def embed_stream(self, texts: Iterable[str]) -> VectorStream:
        numbered = enumerate(texts)
        while batch := list(islice(numbered, 256)):
            yield [(number, self.embed_query(text)) for number, text in batch]

    def embed_query(self, text: str) -> Vector:
        bits = hashlib.shake_256(text.encode()).digest(32)
        return [0.0625 if bits[place // 8] >> place % 8 & 1 else -0.0625 for place in range(256)]

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(text.encode()) // 4 + 1 for text in texts]


def write_csv(path: Path, size: int) -> None:
    row = "{number},{supplier},{amount:.2f},2026-{month:02}-{day:02},{note}\n"
    _write_lines(path, size, "id,supplier,amount,day,note\n", row)


def write_jsonl(path: Path, size: int) -> None:
    terms = '{{"amount": {amount:.2f}, "month": {month}}}'
    row = f'{{{{"id": {{number}}, "supplier": "{{supplier}}", "terms": {terms}, "note": "{{note}}"}}}}\n'
    _write_lines(path, size, "", row)


def write_text(path: Path, size: int) -> None:
    _write_lines(path, size, "", "{supplier} {note}, {number} {note}.\n\n")


def write_pdf(path: Path, _size: int) -> None:
    """By hand, which is quicker than by a library; every page has its own text."""
    chance = random.Random(7)
    pages = range(10, 10 + 2 * _PDF_PAGES, 2)
    kids = " ".join(f"{number} 0 R" for number in pages)
    with path.open("wb") as file:
        file.write(
            b"%%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
            b"2 0 obj<</Type/Pages/Count %d/Kids[%b]>>endobj\n"
            b"3 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj\n" % (_PDF_PAGES, kids.encode())
        )
        for number in pages:
            stream = _page(chance).encode("cp1252", "replace")
            file.write(
                b"%d 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents %d 0 R"
                b"/Resources<</Font<</F1 3 0 R>>>>>>endobj\n"
                b"%d 0 obj<</Length %d>>stream\n%b\nendstream endobj\n"
                % (number, number + 1, number + 1, len(stream), stream)
            )
        file.write(b"trailer<</Root 1 0 R/Size %d>>\n%%%%EOF" % (10 + 2 * _PDF_PAGES))


FILES: Final[Mapping[str, Callable[[Path, int], None]]] = {
    "csv": write_csv,
    "jsonl": write_jsonl,
    "txt": write_text,
    "pdf": write_pdf,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=500, help="of each file but the PDF")
    parser.add_argument("--formats", nargs="+", choices=list(FILES), default=list(FILES))
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--serve", nargs=2, metavar=("CONNINFO", "ROOT"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        conninfo, root = arguments.serve
        print(json.dumps(_ingested(conninfo, Path(root))))
        return
    measured = (_measured(suffix, arguments.megabytes * 1_000_000) for suffix in arguments.formats)
    if arguments.json:
        print(json.dumps(list(measured)))
        return
    print("".join(f"{column:>12}" for column in _COLUMNS))
    for found in measured:
        print("".join(f"{found[column] or '-':>12}" for column in _COLUMNS), flush=True)


def _measured(suffix: str, size: int) -> dict[str, Any]:
    """Of a worker process over an empty database."""
    with tempfile.TemporaryDirectory(prefix="acervo-bench-") as directory:
        root = Path(directory) / "documents"
        file = root / _COLLECTION / f"large.{suffix}"
        file.parent.mkdir(parents=True)
        FILES[suffix](file, size)
        with EmbeddedServer(Path(directory) / "database", sync=False) as server:
            command = [sys.executable, "-m", "bench.large", "--serve", server.start(), str(root)]
            answer = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - this module
        return {"format": suffix, "megabytes": round(file.stat().st_size / 1e6), **json.loads(answer.stdout)}


def _ingested(conninfo: str, root: Path) -> dict[str, Any]:
    limits = IngestionSettings()
    backend = WriteBackend(store=PostgresStore(conninfo), source=FolderSource(root), embedder=QuickEmbedder())
    with closing(backend), closing(IsolatedParser(ParsingSettings())) as parser:
        pipeline = Pipeline(
            source=backend.source,
            embedder=backend.embedder,
            max_document_bytes=limits.max_document_bytes,
            max_streamed_bytes=limits.max_streamed_bytes,
            parser=parser,
        )
        reconcile(store=backend.store, source=backend.source, embedder=backend.embedder)
        started = time.perf_counter()
        while work_once(backend, pipeline):
            pass
        seconds = time.perf_counter() - started
        (document,) = backend.store.tenant(DEFAULT_TENANT).documents.list(_COLLECTION, PageRequest()).items
        return {
            "status": document.status,
            "failure": document.failure and document.failure.detail,
            "chunks": document.chunk_count,
            "pages": document.page_count,
            "seconds": round(seconds, 1),
            "worker_mb": round(peak_bytes() / 1e6),
            "parser_mb": round(parser.peak_bytes / 1e6),
        }


def _write_lines(path: Path, size: int, head: str, row: str) -> None:
    chance = random.Random(size)
    notes = [" ".join(chance.choices(_WORDS, k=chance.randint(4, 30))) for _ in range(10_000)]
    with path.open("w", encoding="utf-8") as file:
        written = file.write(head)
        for number in count():
            line = row.format(
                number=number,
                supplier=f"Supplier {chance.randrange(5_000)}",
                amount=chance.random() * 10_000,
                month=number % 12 + 1,
                day=number % 28 + 1,
                note=notes[chance.randrange(len(notes))],
            )
            written += len(line.encode())
            if written > size:
                return
            file.write(line)


def _page(chance: random.Random) -> str:
    lines = (" ".join(chance.choices(_WORDS, k=10)) for _ in range(_LINES_A_PAGE))
    shown = " ".join(f"1 0 0 1 60 {800 - 16 * place} Tm ({line}) Tj" for place, line in enumerate(lines))
    return f"BT /F1 11 Tf {shown} ET"


if __name__ == "__main__":
    main()
