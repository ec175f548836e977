"""Markdown: readable text without its marks, with headings, lists, tables and code."""

import re
from collections.abc import Callable, Sequence
from typing import ClassVar

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from ingestion.parse.builder import TextBuilder, clean, lines, one_line, row
from ingestion.parse.encoding import decode
from ingestion.parse.html import add_html
from ingestion.parse.media_type import MARKDOWN
from rag.domain.content import BlockKind, ExtractedText

_FRONT_MATTER = re.compile(
    r"---[ \t]*\n((?:[ \t]*(?:[\w.-]+[ \t]*:|-[ \t]|#|[ \t]).*\n|[ \t]*\n)*)(?:---|\.\.\.)[ \t]*(?:\n|$)"
)
_TITLE = re.compile(r"^title[ \t]*:[ \t]*(.+)$", re.MULTILINE | re.IGNORECASE)
_LINE_BREAK_TAG = re.compile(r"<br\s*/?>", re.IGNORECASE)
# Of one paragraph. markdown-it takes 13 s a megabyte of brackets that nothing closes (2026-12).
_LONGEST_MARKED = 100_000
_MOST_UNCLOSED = 200


def _inline(state: StateCore) -> None:
    """markdown-it's rule of this name, but marks stay as they stand in what nobody wrote as Markdown."""
    for token in state.tokens:
        if token.type == "inline":
            token.children = []
            if _is_marked(token.content):
                state.md.inline.parse(token.content, state.md, state.env, token.children)
            else:
                token.children.append(Token("text", "", 0, content=token.content))


def _is_marked(text: str) -> bool:
    return len(text) <= _LONGEST_MARKED and text.count("[") - text.count("]") <= _MOST_UNCLOSED


_COMMONMARK_WITH_TABLES = MarkdownIt("commonmark").enable(["table", "strikethrough"])
_COMMONMARK_WITH_TABLES.core.ruler.at("inline", _inline)


def parse_markdown(body: bytes) -> ExtractedText:
    text = clean(decode(body))
    front_matter = _FRONT_MATTER.match(text)
    builder = TextBuilder()
    _Blocks(builder).read(_COMMONMARK_WITH_TABLES.parse(text[front_matter.end() :] if front_matter else text))
    title = _TITLE.search(front_matter[1]) if front_matter else None
    return builder.finish(MARKDOWN, title[1].strip().strip("\"'") if title else None)


def _inline_text(tokens: Sequence[Token]) -> str:
    return "".join(map(_inline_piece, tokens))


def _inline_piece(token: Token) -> str:
    if token.type in {"text", "code_inline", "image", "text_special"}:
        return token.content
    if token.type == "softbreak":
        return " "
    if token.type == "hardbreak" or _LINE_BREAK_TAG.fullmatch(token.content):
        return "\n"
    return ""


class _Blocks:
    """Turns markdown-it's flat tokens into blocks."""

    def __init__(self, builder: TextBuilder) -> None:
        self._builder = builder
        self._lists: list[int | None] = []  # the next number, None for bullets
        self._marker = ""
        self._level = 0
        self._cells: list[str] | None = None
        self._in_head = False

    def read(self, tokens: Sequence[Token]) -> None:
        for token in tokens:
            handler = self._HANDLERS.get(token.type)
            if handler:
                handler(self, token)

    def _open_list(self, token: Token) -> None:
        if not self._lists:
            self._builder.set_apart()
        self._lists.append(int(token.attrs.get("start", 1)) if token.tag == "ol" else None)

    def _close_list(self, _token: Token) -> None:
        self._lists.pop()

    def _open_item(self, _token: Token) -> None:
        number = self._lists[-1]
        if number is None:
            self._marker = "- "
        else:
            self._lists[-1] = number + 1
            self._marker = f"{number}. "

    def _close_item(self, _token: Token) -> None:
        self._marker = ""

    def _open_heading(self, token: Token) -> None:
        self._level = int(token.tag[1])

    def _close_heading(self, _token: Token) -> None:
        self._level = 0

    def _open_head(self, _token: Token) -> None:
        self._builder.set_apart()
        self._in_head = True

    def _close_head(self, _token: Token) -> None:
        self._in_head = False

    def _open_row(self, _token: Token) -> None:
        self._cells = []

    def _close_row(self, _token: Token) -> None:
        self._builder.add(BlockKind.TABLE_ROW, row(self._cells or []), header=self._in_head)
        self._cells = None

    def _add_inline(self, token: Token) -> None:
        text = _inline_text(token.children or [])
        if self._cells is not None:
            self._cells.append(text)
        elif self._level:
            self._builder.add(BlockKind.HEADING, one_line(text), level=self._level)
        elif self._marker and text.strip():
            depth = len(self._lists) - 1
            self._builder.add(BlockKind.LIST_ITEM, self._marker + one_line(text), depth=depth)
            self._marker = ""
        else:
            self._builder.add(BlockKind.PARAGRAPH, lines(text))

    def _add_code(self, token: Token) -> None:
        self._builder.add(BlockKind.CODE, token.content)

    def _add_markup(self, token: Token) -> None:
        add_html(self._builder, token.content)

    _HANDLERS: ClassVar[dict[str, Callable[["_Blocks", Token], None]]] = {
        "bullet_list_open": _open_list,
        "ordered_list_open": _open_list,
        "bullet_list_close": _close_list,
        "ordered_list_close": _close_list,
        "list_item_open": _open_item,
        "list_item_close": _close_item,
        "heading_open": _open_heading,
        "heading_close": _close_heading,
        "thead_open": _open_head,
        "thead_close": _close_head,
        "tr_open": _open_row,
        "tr_close": _close_row,
        "inline": _add_inline,
        "fence": _add_code,
        "code_block": _add_code,
        "html_block": _add_markup,
    }
