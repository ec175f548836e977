"""Numbers of a workbook as its reader sees them: ISO dates, times, percentages, masks such as 000-00."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from lxml import etree

# The dates before March 1900 are off by one: the format counts a 29th of February 1900.
_EPOCH_1900 = datetime(1899, 12, 30)  # noqa: DTZ001 - a sheet's dates have no time zone
_EPOCH_1904 = datetime(1904, 1, 1)  # noqa: DTZ001 - the same
_LAST_DAY = 2_958_465  # 9999-12-31
_PERCENT_IDS = frozenset({9, 10})
_DATE_IDS = frozenset([*range(14, 18), 22, *range(27, 32), 34, 35, 36, *range(50, 59)])
_TIME_IDS = frozenset({18, 19, 20, 21, 32, 33, 45, 47})
_DURATION_ID = 46
_LITERAL = re.compile(r'"[^"]*"|\\.|_.|\*.')
_BRACKETED = re.compile(r"\[(?!h+\]|m+\]|s+\])[^\]]{0,255}\]", re.IGNORECASE)
_DURATION = re.compile(r"\[(?:h+|m+|s+)\]", re.IGNORECASE)
_MASK = re.compile(r"0(?:[0 ./()\-]|\\.|\"[^\"]*\")*0")
_MASK_PARTS = re.compile(r'0|\\(.)|"([^"]*)"|(.)')
_DIGITS = 15  # what a spreadsheet keeps of a number


class Kind(Enum):
    NUMBER = "number"
    PERCENT = "percent"
    DATE = "date"
    TIME = "time"
    DURATION = "duration"
    MASK = "mask"


@dataclass(frozen=True, kw_only=True)
class Format:
    kind: Kind
    mask: str = ""


_PLAIN = Format(kind=Kind.NUMBER)


@dataclass(frozen=True, kw_only=True)
class Formats:
    """The number formats of a workbook's cell styles, by the styles' numbers."""

    by_style: Sequence[Format]
    epoch: datetime

    @classmethod
    def of(cls, styles: etree._Element | None, *, since_1904: bool) -> "Formats":
        epoch = _EPOCH_1904 if since_1904 else _EPOCH_1900
        if styles is None:
            return cls(by_style=(), epoch=epoch)
        codes = {each.get("numFmtId", ""): each.get("formatCode", "") for each in styles.iter("{*}numFmt")}
        cell_styles = styles.find("{*}cellXfs")
        ids = [] if cell_styles is None else [each.get("numFmtId", "0") for each in cell_styles]
        return cls(by_style=tuple(_format(each, codes.get(each)) for each in ids), epoch=epoch)

    def shown(self, value: str, *, style: int) -> str:
        """The text that a reader sees for a stored number."""
        found = self.by_style[style] if style < len(self.by_style) else _PLAIN
        if found is _PLAIN and value.isdecimal():
            return value
        try:
            number = float(value)
        except ValueError:
            return value
        if found.kind is Kind.NUMBER or not 0 <= abs(number) < 1e300:  # noqa: PLR2004 - not infinite, not NaN
            return _plain(value, number)
        return self._formatted(number, found)

    def _formatted(self, number: float, found: Format) -> str:
        if found.kind is Kind.PERCENT:
            return f"{_short(number * 100)}%"
        if found.kind is Kind.MASK:
            return _masked(number, found.mask)
        if found.kind is Kind.DURATION:
            return _duration(number)
        if not 0 <= number <= _LAST_DAY:
            return _short(number)
        return self._moment(number, found.kind)

    def _moment(self, number: float, kind: Kind) -> str:
        moment = self.epoch + timedelta(seconds=round(number * 86_400))
        if kind is Kind.TIME and number < 1:
            return _time(moment)
        if moment.hour or moment.minute or moment.second:
            return f"{moment:%Y-%m-%d} {_time(moment)}"
        return f"{moment:%Y-%m-%d}"


def _format(number: str, code: str | None) -> Format:
    if code is not None:
        return _custom(code)
    known = int(number) if number.isdigit() else 0
    if known in _PERCENT_IDS:
        return Format(kind=Kind.PERCENT)
    if known in _DATE_IDS:
        return Format(kind=Kind.DATE)
    if known in _TIME_IDS:
        return Format(kind=Kind.TIME)
    return Format(kind=Kind.DURATION) if known == _DURATION_ID else _PLAIN


def _custom(code: str) -> Format:
    positive = code.partition(";")[0]
    if _MASK.fullmatch(positive) and not re.fullmatch(r"0\.0+", positive):
        return Format(kind=Kind.MASK, mask=positive)
    signs = _BRACKETED.sub("", _LITERAL.sub("", positive)).lower()
    if _DURATION.search(signs):
        return Format(kind=Kind.DURATION)
    if "general" in signs or signs == "@":
        return _PLAIN
    if re.search(r"[dy]", signs) or re.fullmatch(r"[m\s/.\-]+", signs):
        return Format(kind=Kind.DATE)
    if re.search(r"[hs]", signs):
        return Format(kind=Kind.TIME)
    return Format(kind=Kind.PERCENT) if "%" in signs else _PLAIN


def _plain(value: str, number: float) -> str:
    if len(value) <= _DIGITS and value == repr(number) and not number.is_integer() and "e" not in value:
        return value  # what follows would give the same at twice the price
    digits = value.removeprefix("-")
    return value if digits.isdigit() else _short(number)


def _short(number: float) -> str:
    """Fifteen digits, as spreadsheets keep them: 0.1 + 0.2 is 0.3."""
    shown = f"{number:.{_DIGITS}g}"
    rounded = float(shown)
    if abs(number) < 1e21 and rounded.is_integer():  # noqa: PLR2004 - beyond, sheets show 1E+21
        return f"{rounded:.0f}"
    return shown


def _masked(number: float, mask: str) -> str:
    """The digits of a number put into the zeros of a mask: 12345678 as 01.234.567/8."""
    zeros = sum(part[0] == "0" and part[0] == part.group() for part in _MASK_PARTS.finditer(mask))
    digits = f"{abs(number):.0f}".zfill(zeros)
    lead, rest = digits[: len(digits) - zeros], iter(digits[len(digits) - zeros :])
    pieces = (
        next(rest) if part.group() == "0" else part[1] or part[2] or part[3] or ""
        for part in _MASK_PARTS.finditer(mask)
    )
    return ("-" if number < 0 else "") + lead + "".join(pieces)


def _time(moment: datetime) -> str:
    return f"{moment:%H:%M:%S}" if moment.second else f"{moment:%H:%M}"


def _duration(days: float) -> str:
    minutes, seconds = divmod(round(abs(days) * 86_400), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{'-' if days < 0 else ''}{hours}:{minutes:02}" + (f":{seconds:02}" if seconds else "")
