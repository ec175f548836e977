"""How a table of text is delimited and quoted."""

import csv
import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice

from ingestion.parse.limits import LONGEST_LINE
from ingestion.parse.text_stream import Pieces, clean_lines_of
from rag.errors import DocumentTooLarge

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
    """Where `named`, the first line names the delimiter. Where `quoted`, cells in double quotes may hold
    anything.
    """

    delimiter: str
    quoted: bool
    named: bool = False

    def table(self, pieces: Pieces) -> Iterator[list[str]]:
        return self.rows(islice(clean_lines_of(pieces), int(self.named), None))

    def rows(self, lines: Iterable[str]) -> Iterator[list[str]]:
        """The cells of each row, as they stand between the delimiters, of lines with their line feeds.

        Raises DocumentTooLarge.
        """
        # The module's own limit of 131,072 characters a cell holds for the whole process.
        csv.field_size_limit(LONGEST_LINE)
        rows = csv.reader(
            lines,
            delimiter=self.delimiter,
            quoting=csv.QUOTE_MINIMAL if self.quoted else csv.QUOTE_NONE,
            skipinitialspace=True,
        )
        try:
            yield from rows
        except csv.Error as error:
            raise DocumentTooLarge(
                f"A cell of the table has more than {LONGEST_LINE:,} characters. Split it into smaller files."
            ) from error


def find_dialect(pieces: Pieces, *, expected: str) -> Dialect:
    """`expected` wins where several delimiters explain the text as well."""
    quoted = _quotes_are_closed(pieces)
    opening = _opening(pieces)
    named = _NAMED_DELIMITER.match(opening)
    if named:
        return Dialect(delimiter=named[1], quoted=quoted, named=True)
    return Dialect(delimiter=_delimiter(opening, expected, quoted=quoted), quoted=quoted)


def _opening(pieces: Pieces) -> str:
    """At least one character more than the sample, where there are so many."""
    found = ""
    for piece in pieces():
        found += piece
        if len(found) > _SAMPLE_CHARACTERS:
            break
    return found


def _quotes_are_closed(pieces: Pieces) -> bool:
    """False where a quote opens a cell and never closes: it would swallow the rest of the file."""
    if sum(piece.count('"') for piece in pieces()) % 2 == 0:
        return True
    for delimiter in _DELIMITERS:
        if any(delimiter in piece for piece in pieces()) and _ends_inside_quotes(pieces, delimiter):
            return False
    return not _ends_inside_quotes(pieces, _NO_DELIMITER)


def _ends_inside_quotes(pieces: Pieces, delimiter: str) -> bool:
    # A mark after the end comes out as a row of its own, unless a cell is still open.
    rows = Dialect(delimiter=delimiter, quoted=True).rows(chain(clean_lines_of(pieces), ["\x1e\n"]))
    try:
        return deque(rows, maxlen=1) != deque([["\x1e"]])
    except DocumentTooLarge:
        return True


def _delimiter(text: str, expected: str, *, quoted: bool) -> str:
    scores = {each: _score(text, each, quoted=quoted) for each in _DELIMITERS if each in text}
    best = max(scores, key=lambda each: (scores[each], each == expected), default=expected)
    return best if scores.get(best, 0.0) > 0 else _NO_DELIMITER


def _score(text: str, delimiter: str, *, quoted: bool) -> float:
    """How alike the rows are in their number of cells, 0 where most are not; more cells count more."""
    sample = text[:_SAMPLE_CHARACTERS]
    lines = [f"{line}\n" for line in sample.split("\n")[:_SAMPLE_ROWS]]
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
