"""The rows of an RTF table, gathered until a paragraph outside of it comes."""

from dataclasses import dataclass, field

from ingestion.parse.builder import TextBuilder, one_line
from ingestion.parse.tables import add_table, header_size


@dataclass(kw_only=True)
class _Definition:
    """How each cell is merged, and whether the row is a header."""

    merges: list[str] = field(default_factory=list)
    current: str = ""
    header: bool = False


class Table:
    def __init__(self) -> None:
        self._definition = _Definition()
        self._rows: list[list[str]] = []
        self._cells: list[str] = []
        self._header_rows = 0

    def define(self, word: str) -> None:
        """Takes one of DEFINING, in the order in which they stand."""
        if word == "trowd":
            self._definition = _Definition()
        elif word == "trhdr":
            self._definition.header = True
        elif word == "cellx":
            self._definition.merges.append(self._definition.current)
            self._definition.current = ""
        else:
            self._definition.current = word

    def end_cell(self, text: str) -> None:
        self._cells.append(one_line(text))

    def end_row(self) -> None:
        self._header_rows += self._definition.header and self._header_rows == len(self._rows)
        self._rows.append([self._merged(column, text) for column, text in enumerate(self._cells)])
        self._cells = []

    def add_to(self, builder: TextBuilder) -> None:
        if self._cells:
            self.end_row()
        if self._rows:
            add_table(builder, self._rows, header_rows=self._header_rows or header_size(self._rows))
        self._rows = []
        self._header_rows = 0

    def _merged(self, column: int, text: str) -> str:
        """A merged cell's text, which stands in the first of its places, in each of them."""
        merges = self._definition.merges
        merge = merges[column] if column < len(merges) else ""
        if merge == "clmrg" and column > 0:
            return self._merged(column - 1, self._cells[column - 1])
        if merge == "clvmrg" and self._rows and column < len(self._rows[-1]):
            return self._rows[-1][column]
        return text


DEFINING = frozenset({"trowd", "trhdr", "cellx", "clmrg", "clvmrg"})
