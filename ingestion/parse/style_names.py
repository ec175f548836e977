"""What the names of paragraph styles say; programs translate the built-in ones."""

import re

_HEADING = re.compile(
    r"(?:heading|título|titulo|ttulo|cabeçalho|titre|überschrift|berschrift|encabezado|titolo)[\s_]*([1-9])",
    re.IGNORECASE,
)
_TITLES = frozenset({"title", "título"})
_CONTENTS = re.compile(r"(?:toc|sumário|sumario|índice|indice)[\s_]*\d?$|toc heading", re.IGNORECASE)


def named_heading_level(name: str) -> int:
    """1–9 for a heading, 0 for other styles."""
    named = _HEADING.match(name)
    return int(named[1]) if named else 0


def names_title(name: str) -> bool:
    return name.lower() in _TITLES


def names_contents(name: str) -> bool:
    """The style of a line of a table of contents, which repeats the headings."""
    return _CONTENTS.match(name) is not None
