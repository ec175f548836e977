"""Sentence boundaries in Portuguese, English and languages written alike, as spans of the text."""

import re
from collections.abc import Iterator

# A paragraph ends at a blank line, before a list marker, and at both ends of a table row.
_LIST_MARKER = (
    r"[^\S\n]*(?:[-*+•‣▪●–—]|\d{1,3}[.)]|\((?:\d{1,3}|[a-zA-Z]|[ivx]{1,5})\)|(?:[a-zA-Z]|[ivx]{1,5})\)|[IVX]{1,5}\.)"
    r"[^\S\n]"
)
_LINE_END = re.compile(rf"\n(?:[^\S\n]*\n|(?={_LIST_MARKER}))")
_NEWLINE = re.compile(r"\n")
_MARKER = re.compile(_LIST_MARKER)
_CELL_EDGE = " | "

_END = re.compile(
    r"(?<![.!?…؟।])(?P<dots>[.!?…؟।]++)(?:[\"'”’»)\]}*_]|\[\w{1,8}\]|[⁰¹²³⁴-⁹])*+(?=\s|$)"
    r"|[。！？｡]+[」』）】》”’\"']*"
)
_OPENING = "\"'“‘«([{¿¡*_—–-"
_WORD = re.compile(r"[^\W\d_]+(?![\w.])")
_DOTTED = re.compile(r"(?:[^\W\d_]{1,2}\.)+[^\W\d_]{1,2}")
_LONGEST_ABBREVIATION = 16


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Before a name, never at an end; written with a capital.
_TITLES = _words(
    "Dr Dra Drs Dras Sr Sra Srs Sras Srta Prof Profa Profs Exmo Exma Ilmo Ilma Eng Enga Arq Adv Des Desa "
    "Min Dep Sen Gov Pres Gen Gal Cel Maj Cap Ten Sgt Av Al Pça Rod Est Sto Sta Mr Mrs Ms Mx St Ste Rev Hon "
    "Rep Capt Col Lt Cmdr Adm Me Ma Pe Fr Rel Proc",
)
# Before a number, a letter or a name of a part.
_REFERENCES = _words(
    "art arts inc par parág alín fig figs tab tabs cap caps p pp pág págs pag pags fl fls vol vols n nº nr "
    "no nos núm num eq eqs sec seç ref refs ex it anx doc docs proc res dec reg tel cel ap apt cx lt qd km "
    "ch sect app ver v ed séc cf v.g op rev ac rel",
)
# In the middle of a sentence wherever they stand.
_INNER = _words(
    "e.g i.e p.ex v.g vs cf viz ca aprox approx c.f ex obs incl excl c/c resp s.m.j i.é",
)
# May end a sentence: they do before a word that opens sentences.
_SOMETIMES_LAST = _words(
    "al inc ltd ltda co corp jr bros cia dept depto univ assn",
)
_OPENERS = _words(
    "the a an it this that these those he she we they you i in on at for from with by as if when while "
    "however but and or so there here its his her our their my your what who how why where which one all "
    "some many most after before since although because o os as um uma uns umas ele ela eles elas isso isto "
    "este esta estes estas esse essa esses essas aquele aquela nós eu você em no na nos nas ao aos à às de "
    "do da dos das para por pela pelo com sem se quando enquanto mas e ou porém contudo assim também não "
    "já há que quem qual como onde segundo conforme caso após antes desde embora porque cada todo toda todos "
    "todas outro outra seu sua seus suas depois portanto logo hoje "
    "ainda além entre sobre até então to then no if",
)


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Trimmed, ordered spans that hold every character but white space.

    A line break inside a paragraph is wrapped text; a blank line and a list marker at a line's start end a
    sentence. A table row (a line of cells joined by " | ") is one sentence.
    """
    return [
        span
        for start, end in _paragraphs(text)
        for part in _split(text, start, end)
        if (span := _trimmed(text, *part))
    ]


def _paragraphs(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for match in _LINE_END.finditer(text):
        yield from _rows(text, start, match.start())
        start = match.end()
    yield from _rows(text, start, len(text))


def _rows(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Table rows alone, the lines between them together."""
    if text.find(_CELL_EDGE, start, end) < 0:
        yield start, end
        return
    prose = line = start
    while line < end:
        found = text.find("\n", line, end)
        stop = end if found < 0 else found
        if text.find(_CELL_EDGE, line, stop) >= 0:
            yield prose, line
            yield line, stop
            prose = stop
        line = stop + 1
    yield prose, end


def _split(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    if text.find(_CELL_EDGE, start, end) >= 0:
        yield start, end
        return
    marker = _MARKER.match(text, start, end)
    position = marker.end() if marker else start
    for match in _END.finditer(text, position, end):
        if _ends_sentence(text, match, end):
            yield start, match.end()
            start = match.end()
    yield start, end


def _ends_sentence(text: str, match: re.Match[str], end: int) -> bool:
    dots = match["dots"]
    if dots is None or match.end() == end:
        return True
    following = _following(text, match.end(), end)
    if text[following : following + 1].islower():
        return False
    if dots != ".":
        return not _is_elision(text, match)
    return not _is_abbreviation(text, match.start(), following)


def _following(text: str, position: int, end: int) -> int:
    """Where the next word begins, past white space and opening signs."""
    while position < end and (text[position].isspace() or text[position] in _OPENING):
        position += 1
    return position


def _is_elision(text: str, match: re.Match[str]) -> bool:
    return match["dots"] in {"...", "…"} and text[match.start() - 1 : match.start()] in {"(", "["}


def _is_abbreviation(text: str, dot: int, following: int) -> bool:
    word = _word_before(text, dot)
    if not word:
        return False
    lower = word.lower()
    if word in _TITLES or lower in _INNER:
        return True
    if lower in _REFERENCES and _is_reference(text[following : following + 6]):
        return True
    if lower in _SOMETIMES_LAST or _DOTTED.fullmatch(word) or _is_initial(word):
        opener = _WORD.match(text, following)
        return opener is None or opener[0].lower() not in _OPENERS
    return False


def _word_before(text: str, dot: int) -> str:
    """The characters before the dot back to white space or an opening sign; "" where they are many."""
    first = dot
    while first > 0 and not text[first - 1].isspace() and text[first - 1] not in "([{\"'“‘«/":
        first -= 1
        if dot - first > _LONGEST_ABBREVIATION:
            return ""
    return text[first:dot]


def _is_initial(word: str) -> bool:
    return len(word) == 1 and word.isupper()


def _is_reference(text: str) -> bool:
    first = text[:1]
    return first.isdigit() or first == "§" or re.match(r"[IVXLC]+\b|[A-Z]\b", text) is not None


def _trimmed(text: str, start: int, end: int) -> tuple[int, int] | None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return (start, end) if start < end else None
