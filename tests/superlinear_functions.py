"""The functions that read text of any size, with shapes that each of them has to fear."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from app.cite import locate, unsupported
from ingestion.chunk import chunk
from ingestion.parse.reader import parse
from rag.adapters.local.injection import InjectionPatterns
from rag.adapters.local.sentences import read_sentences
from rag.domain.content import Block, BlockKind, ExtractedText
from rag.domain.documents import Chunking
from rag.errors import DocumentRejected
from rag.text.language import detect_language
from rag.text.markers import MarkerParser
from rag.text.sentences import sentence_spans
from rag.text.terms import analyse, query_terms
from rag.text.words import fold_accents, tokens
from tests.doubles.passages import passage

_MARKDOWN: Final = (
    "![[", "*a_", "<", "&", "|", "` ``", "> ", "- ", "  - a\n", "~~~\n", "[a]: b\n", "<div>\n\n", "[a](",
    "![](", "[a][", "**a ", "a|b\n-|-\n", "<!--",
)  # fmt: skip


def _read_as(name: str) -> Callable[[str], object]:
    def read(text: str) -> None:
        try:
            parse(text.encode("utf-8", "replace"), name=name)
        except (DocumentRejected, RecursionError):  # the child names both to the user
            return

    return read


def _chunks(text: str) -> None:
    block = Block(kind=BlockKind.PARAGRAPH, start=0, end=len(text))
    extracted = ExtractedText(text=text, blocks=(block,), media_type="text/plain")
    for _ in chunk(extracted, Chunking(), most_tokens=500, count_tokens=_count):
        pass


def _count(texts: Sequence[str]) -> list[int]:
    return [len(text) // 4 + 1 for text in texts]


def _marked(text: str) -> None:
    parser = MarkerParser()
    for part in (parser.feed(text), parser.close()):
        for _ in part:
            pass


FUNCTIONS: Final[Mapping[str, tuple[Callable[[str], Any], Sequence[str]]]] = {
    "sentence_spans": (sentence_spans, (".[a]", "a | b\n", "\n- a")),
    "tokens": (tokens, ("a-", "a_", "1,1")),
    "fold_accents": (fold_accents, ("\u0300",)),
    "analyse": (lambda text: analyse(text, "pt"), ("a-b ",)),
    "query_terms": (lambda text: query_terms(text, ("pt", "en")), ()),
    "detect_language": (detect_language, ()),
    "markers": (_marked, ('[1:"', "[1: ")),
    "chunk": (_chunks, ("a b. ",)),
    "locate": (lambda text: locate("a word that is not there", passage(text)), ()),
    "unsupported": (lambda text: unsupported(text, ()), ()),
    "read_sentences": (lambda text: read_sentences([passage(text)]), ()),
    "suspicious": (
        lambda text: InjectionPatterns().suspicious([text]),
        ("ignore ", "add ", "answer ", "# system"),
    ),
    "markdown": (_read_as("a.md"), _MARKDOWN),
    "html": (
        _read_as("a.html"),
        ("<div>", "</div>", "<p>", "<table><tr><td>", "<ul><li>", "<a b=", "<!--", "&amp;"),
    ),
    "xml": (_read_as("a.xml"), ("<a>", "<a b='", "<![CDATA[", "<a/>")),
    "csv": (_read_as("a.csv"), ('"",', "a,b\n", ";", "\t")),
    "json": (_read_as("a.json"), ("[1],", '{"a":', "\\u0041")),
    "jsonl": (_read_as("a.jsonl"), ('{"a":1}\n',)),
    "plain": (_read_as("a.txt"), ("- a\n", "\n \n")),
    "mail": (
        _read_as("a.eml"),
        ("Subject: a\n", "=?utf-8?q?a?=", "Content-Type: multipart/mixed; boundary=a\n\n--a\n"),
    ),
    "rtf": (_read_as("a.rtf"), ("{", "}", "\\par ", "\\'e1", "\\bin1 ")),
}
