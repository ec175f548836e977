"""How a table of text is delimited and quoted."""

import csv
import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ingestion.parse.limits import MAX_TEXT_CHARACTERS

_DELIMITERS = ",;\t|"
_SAMPLE_CHARACTERS = 100_000
_SAMPLE_ROWS = 500
# Rows of one width, among all rows of the sample: below it, the character is part of the text.
_FEWEST_ALIKE = 0.6
# Rows of many widths: a character that parts nearly all of them still delimits their cells.
_FEWEST_PARTED = 0.8
_NO_DELIMITER = "\x1f"  # `clean` leaves none in a text
_NAMED_DELIMITER = re.compile(r"sep=(.)\n", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """`start` is where the first row begins. Where `quoted`, cells in double quotes may hold anything."""

    delimiter: str
    quoted: bool
    start: int = 0

    def rows(self, lines: Iterable[str]) -> Iterator[list[str]]:
        """The cells of each row, as they stand between the delimiters."""
        # The module's own limit of 131,072 characters a cell holds for the whole process.
        csv.field_size_limit(MAX_TEXT_CHARACTERS)
        return csv.reader(
            (f"{line}\n" for line in lines),
            delimiter=self.delimiter,
            quoting=csv.QUOTE_MINIMAL if self.quoted else csv.QUOTE_NONE,
            skipinitialspace=True,
        )


def find_dialect(text: str, *, expected: str) -> Dialect:
    """`expected` wins where several delimiters explain the text as well."""
    quoted = _quotes_are_closed(text)
    named = _NAMED_DELIMITER.match(text)
    if named:
        return Dialect(delimiter=named[1], quoted=quoted, start=named.end())
    return Dialect(delimiter=_delimiter(text, expected, quoted=quoted), quoted=quoted)


def _quotes_are_closed(text: str) -> bool:
    """False where a quote opens a cell and never closes: it would swallow the rest of the file."""
    if text.count('"') % 2 == 0:
        return True
    for delimiter in _DELIMITERS:
        if delimiter in text and _ends_inside_quotes(text, delimiter):
            return False
    return not _ends_inside_quotes(text, _NO_DELIMITER)


def _ends_inside_quotes(text: str, delimiter: str) -> bool:
    # A mark after the end comes out as a row of its own, unless a cell is still open.
    rows = Dialect(delimiter=delimiter, quoted=True).rows([*text.split("\n"), "\x1e"])
    return deque(rows, maxlen=1) != deque([["\x1e"]])


def _delimiter(text: str, expected: str, *, quoted: bool) -> str:
    scores = {each: _score(text, each, quoted=quoted) for each in _DELIMITERS if each in text}
    best = max(scores, key=lambda each: (scores[each], each == expected), default=expected)
    return best if scores.get(best, 0.0) > 0 else _NO_DELIMITER


def _score(text: str, delimiter: str, *, quoted: bool) -> float:
    """How alike the rows are in their number of cells, 0 where most are not; more cells count more."""
    sample = text[:_SAMPLE_CHARACTERS]
    lines = sample.split("\n")[:_SAMPLE_ROWS]
    if len(sample) < len(text) and len(lines) > 1:
        lines.pop()
    found = Dialect(delimiter=delimiter, quoted=quoted).rows(lines)
    widths = Counter(len(row) for row in found if row)
    width, count = max(widths.items(), key=lambda item: (item[1], item[0]), default=(1, 0))
    total = max(widths.total(), 1)
    if width > 1 and count >= _FEWEST_ALIKE * total:
        return count / total + min(width, 20) / 100
    parted = 1 - widths[1] / total
    return parted / 10 if parted >= _FEWEST_PARTED else 0.0
