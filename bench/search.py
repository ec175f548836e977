"""Speed of search: keyword, semantic and hybrid over real text, beside their limits and other libraries.

Retrieval is asked through `app.retrieve` as the API asks it, as the application's role under row-level
security; questions are embedded before. The limits: pgvector's own statement on the same index, and tantivy
on the same terms. What is right is computed without a database (bench/search_exact.py).

    python -m bench.corpus --target ~/corpus --chunks 510000
    python -m bench.search --corpus ~/corpus --chunks 500000 --data-dir ~/search-500k

`build_s` is loading plus keyword index plus vector index; embedding and analysing the text come before and
are `prepare_s`. Peers run where they are installed (`make peers`): `.venv-bench/bin/python -m bench.search`.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np

from bench.search_contenders import MODES, Acervo, Raw, Tantivy
from bench.search_corpus import Corpus, make_questions, read_corpus
from bench.search_database import GROUPS, Database, build, documents
from bench.search_exact import Bm25, Ranking, nearest
from bench.search_measure import Outcome, Search, at_once, in_turn, overlap, percentiles, rows
from bench.search_mixed import measure_mixed
from bench.search_peers import measure_peers
from bench.search_prepared import Prepared, prepare
from bench.search_report import table
from bench.search_vectors import HalfMatrix, KnownEmbedder, embed
from rag.adapters.postgres.search_statement import EF_SEARCH
from rag.domain.search import SearchMode

_CLIENTS: Final = (1, 4, 8)


@dataclass(frozen=True, kw_only=True)
class Scene:
    """All that is measured with."""

    corpus: Corpus
    prepared: Prepared
    database: Database
    questions: Sequence[str]
    vectors: HalfMatrix
    embedder: KnownEmbedder
    numbers: Mapping[str, int]
    languages: Sequence[str]
    folder: Path

    @property
    def acervo(self) -> Acervo:
        return Acervo(self.database.store, self.embedder, self.numbers)


def main(argv: Sequence[str] | None = None) -> None:
    arguments = _arguments(argv)
    with _folder(arguments.data_dir) as folder, ExitStack() as stack:
        try:
            corpus = read_corpus(arguments.corpus, arguments.chunks)
        except ValueError as error:
            raise SystemExit(str(error)) from error
        report = _measure(arguments, corpus, folder, stack)
    print(json.dumps(report) if arguments.json else table(report))


def _measure(arguments: argparse.Namespace, corpus: Corpus, folder: Path, stack: ExitStack) -> dict[str, Any]:
    _say(f"{len(corpus.passages)} passages, {corpus.recombined} of them made of halves of others")
    prepared = prepare(corpus.passages, folder)
    _say(f"prepared in {prepared.seconds:.0f} s")
    database = stack.enter_context(closing(Database(folder)))
    seconds = build(database, corpus.passages, prepared, folder / "built.json")
    _say(f"built: {seconds}")
    scene = _scene(arguments, folder, corpus, prepared, database)
    built_s = sum(seconds[step] for step in ("load_s", "index_s"))
    report: dict[str, Any] = {
        "chunks": len(corpus.passages),
        "recombined": corpus.recombined,
        "build_s": round(built_s, 1),
        "steps_s": {"prepare_s": round(prepared.seconds, 1), **{k: round(v, 1) for k, v in seconds.items()}},
        "sizes_mb": database.sizes(),
        "questions": len(scene.questions),
        **_legs(scene, arguments.ef_search),
        "filtered": _filtered(scene),
        "clients": _clients(scene),
        "peers": _peers(scene, arguments.ef_search) if arguments.peers else {},
    }
    if arguments.mixed:
        report["mixed"] = measure_mixed(
            database, scene.embedder, corpus.held_out, scene.questions, arguments.seconds
        )
    return report


def _scene(
    arguments: argparse.Namespace, folder: Path, corpus: Corpus, prepared: Prepared, database: Database
) -> Scene:
    questions = [question.text for question in make_questions(corpus, arguments.questions)]
    vectors = embed(questions)
    return Scene(
        corpus=corpus,
        prepared=prepared,
        database=database,
        questions=questions,
        vectors=vectors,
        embedder=KnownEmbedder(questions, vectors),
        numbers=database.numbers(documents(corpus.passages, prepared)),
        languages=sorted({passage.language for passage in corpus.passages}),
        folder=folder,
    )


def _legs(scene: Scene, ef_search: int) -> dict[str, Any]:
    """The three modes and their limits, each question asked of all in turn."""
    raw = Raw(
        scene.database.conninfo,
        scene.embedder,
        scene.numbers,
        collection=scene.database.collection().id,
        ef_search=ef_search,
    )
    searches: dict[str, Search] = {mode.value: scene.acervo.search(mode) for mode in MODES}
    searches["raw"] = raw.search
    if find_spec("tantivy"):
        searches["tantivy"] = Tantivy(scene.folder / "tantivy", scene.prepared, scene.languages).search
    with closing(raw):
        outcomes = in_turn(searches, scene.questions)
    figures = {name: percentiles(found) for name, found in outcomes.items()}
    bm25 = Bm25(scene.prepared, scene.questions, scene.languages)
    keyword = {question: bm25.best(question) for question in scene.questions}
    semantic = _nearest(scene)
    return {
        "keyword": {**figures["keyword"], "overlap@10": overlap(outcomes["keyword"], keyword)},
        "semantic": {
            **figures["semantic"],
            "raw_p50_ms": figures["raw"]["p50_ms"],
            "recall@10": overlap(outcomes["semantic"], semantic),
        },
        "raw": {**figures["raw"], "recall@10": overlap(outcomes["raw"], semantic), "ef_search": ef_search},
        "hybrid": figures["hybrid"],
        "tantivy": {**figures["tantivy"], "overlap@10": overlap(outcomes["tantivy"], keyword)}
        if "tantivy" in figures
        else {"missing": "tantivy"},
    }


def _nearest(scene: Scene, group: str | None = None) -> dict[str, Ranking]:
    allowed = _members(scene, group) if group else None
    found = nearest(scene.prepared.vectors, scene.vectors, allowed=allowed)
    return dict(zip(scene.questions, found, strict=True))


def _members(scene: Scene, group: str) -> Any:
    new = documents(scene.corpus.passages, scene.prepared)
    return np.concatenate([np.full(len(document.passages), document.group == group) for document in new])


def _filtered(scene: Scene) -> dict[str, Any]:
    """Semantic search among the documents of one group; groups say nothing of what documents are about."""
    searches = {name: scene.acervo.search(SearchMode.SEMANTIC, group=name) for name in GROUPS}
    outcomes: Mapping[str, Sequence[Outcome]] = in_turn(searches, scene.questions)
    return {
        name: {
            "recall@10": overlap(found, _nearest(scene, name)),
            **rows(found),
            **percentiles(found),
        }
        for name, found in outcomes.items()
    }


def _clients(scene: Scene) -> dict[str, Any]:
    return {
        str(clients): {
            mode.value: at_once(scene.acervo.search(mode), scene.questions, clients) for mode in MODES
        }
        for clients in _CLIENTS
    }


def _peers(scene: Scene, ef_search: int) -> dict[str, Any]:
    modes = (SearchMode.SEMANTIC, SearchMode.HYBRID)
    own = {f"acervo {mode.value}": scene.acervo.search(mode) for mode in modes}
    return measure_peers(
        scene.database, scene.embedder, scene.numbers, _nearest(scene), own, ef_search=ef_search
    )


@contextmanager
def _folder(kept: Path | None) -> Iterator[Path]:
    if kept:
        yield kept
        return
    with tempfile.TemporaryDirectory(prefix="acervo-bench-") as folder:
        yield Path(folder)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.search",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--chunks", type=int, default=20_000)
    parser.add_argument(
        "--corpus", type=Path, default=Path("/usr/share/doc"), help="see bench/search_corpus.py"
    )
    parser.add_argument("--questions", type=int, default=300)
    parser.add_argument("--ef-search", type=int, default=EF_SEARCH, help="of the raw statement")
    parser.add_argument("--peers", action="store_true", help="LangChain, LlamaIndex and Haystack too")
    parser.add_argument("--mixed", action="store_true", help="eight clients beside a busy write path, too")
    parser.add_argument("--seconds", type=int, default=120, help="of --mixed")
    parser.add_argument("--data-dir", type=Path, help="keeps what was built, for the next time")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    return parser.parse_args(argv)


if __name__ == "__main__":
    main()
