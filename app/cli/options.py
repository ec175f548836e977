"""The options that several commands share."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

Server = Annotated[
    str | None,
    Option(
        "--server",
        metavar="URL",
        help="A running server (or ACERVO_SERVER). Without one the command starts its own, for itself alone.",
    ),
]
DataDir = Annotated[
    Path | None,
    Option(
        "--data-dir",
        metavar="PATH",
        help="Where the command's own server keeps everything (or ACERVO_DATA_DIR; ./.acervo otherwise).",
    ),
]
AsJson = Annotated[bool, Option("--json", help="JSON on standard output, nothing else there.")]
Collection = Annotated[str, Option("--collection", "-c", metavar="NAME", help="The collection.")]
Collections = Annotated[
    list[str] | None,
    Option(
        "--collection", "-c", metavar="NAME", help="Only this collection; may be repeated. [default: all]"
    ),
]
Filter = Annotated[
    str | None,
    Option(
        "--filter",
        metavar="JSON",
        help='Only documents that match, as {"field": "metadata.team", "op": "eq", "value": "sales"}.',
    ),
]
TopK = Annotated[int, Option("--top-k", "-k", min=1, max=100, help="How many passages.")]
Rerank = Annotated[bool, Option("--rerank", help="Let the server's reranker order them (ACERVO_RERANKING).")]
DocumentReference = Annotated[
    str, Argument(metavar="DOCUMENT", help="COLLECTION/KEY or a document's id.", show_default=False)
]


class ChunkingStrategy(StrEnum):
    RECURSIVE = "recursive"
    PAGE = "page"
    ROW = "row"
    WHOLE = "whole"


Chunking = Annotated[
    ChunkingStrategy | None,
    Option("--chunking", help="What becomes one chunk, where the embedding model takes it whole."),
]
MaxTokens = Annotated[int | None, Option("--max-tokens", help="The size of a recursive chunk.")]
OverlapTokens = Annotated[
    int | None, Option("--overlap-tokens", help="How much of the recursive chunk before is repeated.")
]


class SearchMode(StrEnum):
    HYBRID = "hybrid"
    SEMANTIC = "semantic"
    KEYWORD = "keyword"


Mode = Annotated[SearchMode, Option("--mode", help="How passages are found.")]
