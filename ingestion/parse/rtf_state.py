"""What holds inside an RTF group: where its text goes, in which encoding, in what kind of paragraph."""

from dataclasses import dataclass, replace
from enum import Enum, auto


class Destination(Enum):
    BODY = auto()
    SKIPPED = auto()
    FONTS = auto()
    STYLES = auto()
    TITLE = auto()
    MARKER = auto()  # the number or bullet of a list item
    NOTE = auto()
    BOX = auto()  # a text box


@dataclass(frozen=True, kw_only=True, slots=True)
class Paragraph:
    """`outline` is a heading's level from 0; None where the style decides. `depth` is a list item's."""

    style: int = 0
    outline: int | None = None
    in_table: bool = False
    depth: int = 0


@dataclass(kw_only=True, slots=True)
class State:
    """`resumed`: where a Unicode version of the text goes. `replaced`: signs that stand in for a 'u' word."""

    destination: Destination = Destination.BODY
    resumed: Destination = Destination.BODY
    codec: str = "cp1252"
    replaced: int = 1
    hidden: bool = False
    paragraph: Paragraph = Paragraph()

    def inner(self) -> "State":
        return replace(self)
