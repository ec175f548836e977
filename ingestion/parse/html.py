"""HTML: the main text of a page with its headings, lists, tables and code."""

import codecs
import re
from itertools import accumulate, takewhile

from selectolax.lexbor import LexborHTMLParser, LexborNode

from ingestion.parse.builder import TextBuilder, clean, one_line
from ingestion.parse.encoding import decode
from ingestion.parse.html_tables import spanned_rows
from ingestion.parse.media_type import HTML
from ingestion.parse.plain import add_plain
from ingestion.parse.tables import add_table
from rag.domain.content import BlockKind, ExtractedText
from rag.errors import CorruptDocument

_NEVER_TEXT = (
    "script, style, template, svg, iframe, object, canvas, select, datalist, textarea, annotation, "
    "annotation-xml, [hidden], [style*='display:none'], [style*='display: none'], dialog:not([open])"
)
_BOILERPLATE = (
    "nav, aside, footer, noscript, menu, header ul, body > a[href^='#'], a[class*='skip'], "
    "[role=navigation], [role=banner], [role=contentinfo], [role=search], "
    # MediaWiki's "[edit]" beside every heading
    ".mw-editsection"
)


def _tags(names: str) -> frozenset[str]:
    return frozenset(names.split())


_HEADINGS = {"h1": 1, "h2": 2, "h3": 3, "h4": 4, "h5": 5, "h6": 6}
_INLINE = _tags(
    "a abbr acronym b bdi bdo big button cite code data del dfn em font i img input ins kbd label mark math "
    "meter nobr output progress q rp rt ruby s samp small span strike strong sub sup time tt u var wbr "
    "msub msup mi mn mo mrow mfrac mtext semantics picture source noscript",
)
_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE)
_UNCOUNTED = _tags(
    "a area base br col embed hr img input link meta param source track wbr p li dt dd tr td th thead tbody "
    "tfoot colgroup option optgroup html head body",
)
_TAG = re.compile(r"<(/?[a-zA-Z][a-zA-Z0-9:-]{0,40}+)")
_TEXT = "-text"  # what lexbor calls it
# lexbor is quadratic in depth: 100,000 nested <div> take 38 s (2026-11).
_DEEPEST = 2_000
_DEEPEST_HEADER = 5


def parse_html(body: bytes) -> ExtractedText:
    builder = TextBuilder()
    title = add_html(builder, decode_html(body))
    return builder.finish(HTML, title)


def decode_html(body: bytes) -> str:
    """The markup, in the encoding that its mark or its <meta> names, else the one detected."""
    named = _CHARSET.search(body[:4096])
    if named is None or body.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return decode(body)
    name = named[1].decode("ascii").lower()
    try:
        text = body.decode(_codec(name))
    except (UnicodeError, LookupError):
        return decode(body)
    return text.encode("utf-8", "replace").decode()  # some codecs give lone surrogates


def _codec(name: str) -> str:
    """As browsers read the name: Latin-1 means Windows-1252, and ASCII bytes cannot be UTF-16."""
    if name in {"iso-8859-1", "latin1", "latin-1", "us-ascii", "ascii"}:
        return "cp1252"
    return "utf-8" if name.startswith("utf-16") else codecs.lookup(name).name


def add_html(builder: TextBuilder, markup: str) -> str | None:
    """Adds the main text of a page or fragment, all its text where none counts as main; returns its title."""
    _check_depth(markup)
    before = len(builder)
    parser = LexborHTMLParser(markup)
    title = parser.css_first("head > title")
    _remove(parser, _NEVER_TEXT)
    _remove(parser, _BOILERPLATE)
    _remove_page_header(parser)
    _walk(builder, parser)
    if len(builder) == before:
        add_whole_html(builder, markup)
    return title.text() if title else None


def add_whole_html(builder: TextBuilder, markup: str) -> None:
    """Adds all text of a chapter or message, which has no site around it."""
    _check_depth(markup)
    parser = LexborHTMLParser(markup)
    _remove(parser, _NEVER_TEXT)
    _walk(builder, parser)


def _walk(builder: TextBuilder, parser: LexborHTMLParser) -> None:
    if parser.body:
        _Blocks(builder).walk(parser.body)


def _check_depth(markup: str) -> None:
    steps = list(map(_Steps().__getitem__, _TAG.findall(markup)))
    depths = list(accumulate(steps, initial=0))
    if max(depths) - min(depths) <= _DEEPEST:  # the quick way: an end too many counts as well
        return
    depth = 0
    for step in steps:
        depth = max(0, depth + step)
        if depth > _DEEPEST:
            raise CorruptDocument(
                f"The page nests more than {_DEEPEST:,} elements. Save its text in a simpler form."
            )


class _Steps(dict[str, int]):
    """How much deeper the markup is behind a tag, by its name as it is written."""

    def __missing__(self, tag: str) -> int:
        name = tag.removeprefix("/")
        self[tag] = 0 if name.lower() in _UNCOUNTED else 1 if name == tag else -1
        return self[tag]


def _remove(parser: LexborHTMLParser, selector: str) -> None:
    for node in reversed(parser.css(selector)):  # inner ones first: a removed node takes its own along
        node.decompose()


def _remove_page_header(parser: LexborHTMLParser) -> None:
    """The site's header goes; an article's own header, or the one with the page's only h1, stays."""
    only_h1 = len(parser.css("h1")) == 1
    for header in reversed(parser.css("header")):
        if not _inside(header, {"main", "article"}) and not (only_h1 and header.css_first("h1")):
            header.decompose()


def _inside(node: LexborNode, tags: set[str]) -> bool:
    ancestor = node.parent
    while ancestor is not None:
        if ancestor.tag in tags:
            return True
        ancestor = ancestor.parent
    return False


class _Blocks:
    """Walks a tree in document order and turns it into blocks; an explicit stack, as pages nest deeply."""

    def __init__(self, builder: TextBuilder) -> None:
        self._builder = builder
        self._inline: list[str] = []
        self._broken: list[str] = []  # the lines before it, each ended by a <br>
        self._lists: list[int | None] = []  # the next number, None for bullets
        self._marker = ""
        self._level = 0

    def walk(self, root: LexborNode) -> None:
        node: LexborNode | None = root
        inline, around = self._inline, list[tuple[LexborNode, str]]()
        while node is not None:
            tag = node.tag or ""
            if tag == _TEXT:
                inline.append(node.text_content or "")
            elif tag in _INLINE or self._enter(tag, node):
                around.append((node, tag))
                if (child := node.child) is not None:
                    node = child
                    continue
                self._leave(around.pop()[1])
            following = node.next if around else None
            while around and following is None:
                node, tag = around.pop()
                self._leave(tag)
                following = node.next if around else None
            node = following
        self._flush()

    def _enter(self, tag: str, node: LexborNode) -> bool:
        """Takes a block or comment in; True where its children are to be walked."""
        if tag == "br":
            self._broken.append(one_line("".join(self._inline)))
            self._inline.clear()
        elif tag in {"pre", "listing", "xmp"}:
            self._add_preformatted(node)
        elif tag == "table" and not _is_layout(node):
            self._add_table(node)
        elif node.is_element_node:
            self._open(tag, node)
            return True
        return False

    def _open(self, tag: str, node: LexborNode) -> None:
        self._flush()
        if tag in {"ul", "ol", "menu"}:
            self._open_list(tag, node)
        elif tag == "li":
            self._marker = self._next_marker()
        elif tag in _HEADINGS:
            self._level = _HEADINGS[tag]

    def _leave(self, tag: str) -> None:
        if tag in _INLINE:
            return
        self._flush()
        if tag in {"ul", "ol", "menu"}:
            self._lists.pop()
        elif tag == "li":
            self._marker = ""
        elif tag in _HEADINGS:
            self._level = 0

    def _open_list(self, tag: str, node: LexborNode) -> None:
        if not self._lists:
            self._builder.set_apart()
        start = node.attributes.get("start") or "1"
        first = int(start) if re.fullmatch(r"\d{1,6}", start) else 1
        self._lists.append(first if tag == "ol" else None)

    def _next_marker(self) -> str:
        number = self._lists[-1] if self._lists else None
        if number is None:
            return "- "
        self._lists[-1] = number + 1
        return f"{number}. "

    def _flush(self) -> None:
        text = one_line("".join(self._inline)) if self._inline else ""
        self._inline.clear()
        if self._broken:
            text = "\n".join(filter(None, [*self._broken, text]))
            self._broken.clear()
        if text:
            self._add(text)

    def _add(self, text: str) -> None:
        if self._level:
            self._builder.add(BlockKind.HEADING, text.replace("\n", " "), level=self._level)
        elif self._marker:
            depth = max(0, len(self._lists) - 1)
            item = self._marker + text.replace("\n", " ")
            self._builder.add(BlockKind.LIST_ITEM, item, depth=depth)
            self._marker = ""
        else:
            self._builder.add(BlockKind.PARAGRAPH, text)

    def _add_preformatted(self, node: LexborNode) -> None:
        """Code, or a whole plain text document that a server wrapped in HTML."""
        self._flush()
        text = "".join(
            inner.text_content or "" for inner in node.traverse(include_text=True) if inner.is_text_node
        )
        if node.parent is not None and node.parent.tag == "body" and node.css_first("code") is None:
            add_plain(self._builder, text)
        else:
            self._builder.add(BlockKind.CODE, text)

    def _add_table(self, table: LexborNode) -> None:
        self._flush()
        self._builder.set_apart()
        for caption in table.css("caption"):
            self._builder.add(BlockKind.PARAGRAPH, _cell(caption))
            caption.decompose()
        rows = list(table.css("tr"))
        cells = [[clean(cell) for cell in cells] for cells in spanned_rows(rows, _cell)]
        add_table(self._builder, cells, header_rows=_header_rows(rows))


def _header_rows(rows: list[LexborNode]) -> int:
    """The rows of the head; without one, the first rows that hold nothing but header cells."""
    head = sum(_inside(tr, {"thead"}) for tr in rows) or len(list(takewhile(_names_columns, rows)))
    return min(head, _DEEPEST_HEADER) if head < len(rows) else 1


def _names_columns(tr: LexborNode) -> bool:
    cells = tr.css("td, th")
    return bool(cells) and all(cell.tag == "th" for cell in cells)


def _cell(node: LexborNode) -> str:
    """The cell's text, its paragraphs and lines parted by spaces."""
    parts = []
    for inner in node.traverse(include_text=True):
        if inner.is_text_node:
            parts.append(inner.text_content or "")
        elif inner.tag not in _INLINE:
            parts.append(" ")
    return one_line("".join(parts))


def _is_layout(table: LexborNode) -> bool:
    """A table that places blocks on the page instead of holding data."""
    if table.attributes.get("role") == "presentation" or table.css_first("h1, h2, h3, h4, h5, h6, pre"):
        return True
    nests = len(table.css("table")) > 1
    return nests or all(len(tr.css("td, th")) <= 1 for tr in table.css("tr"))
