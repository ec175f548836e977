"""Tables, charts and diagrams of PPTX slides as rows and lines."""

import re
from collections.abc import Iterator
from itertools import islice

from lxml import etree

from ingestion.parse.builder import one_line
from ingestion.parse.pptx_text import A, text_of

TABLE = f"{A}tbl"
_C = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
_DIAGRAM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}"
_NUMBER = re.compile(r"-?\d{1,300}(?:\.\d{1,300})?(?:[eE][-+]?\d{1,3})?")
_MOST_POINTS = 100_000


def table_rows(table: etree._Element) -> list[list[str]]:
    """The cells' texts; a merged cell's text stands in each of its places."""
    rows: list[list[str]] = []
    for tr in table.iterfind(f"{A}tr"):
        texts: list[str] = []
        for column, cell in enumerate(tr.iterfind(f"{A}tc")):
            text = one_line(" ".join(text_of(paragraph) for paragraph in cell.iter(f"{A}p")))
            if _is(cell, "hMerge") and texts:
                text = texts[-1]
            elif _is(cell, "vMerge") and rows and column < len(rows[-1]):
                text = rows[-1][column]
            texts.append(text)
        rows.append(texts)
    return rows


def names_its_columns(table: etree._Element) -> bool:
    properties = table.find(f"{A}tblPr")
    return properties is not None and _is(properties, "firstRow")


def _is(element: etree._Element, name: str) -> bool:
    return element.get(name) in {"1", "true"}


def chart_title(chart: etree._Element) -> str:
    title = chart.find(f".//{_C}chart/{_C}title")
    return "" if title is None else one_line(" ".join(text.text or "" for text in title.iter(f"{A}t")))


def chart_rows(chart: etree._Element) -> list[list[str]]:
    """A row that names the series, then a row of each category's values."""
    series = list(chart.iter(f"{_C}ser"))
    names = [next(iter(_values(each, "tx").values()), "") for each in series]
    columns = [_values(each, "val") or _values(each, "yVal") for each in series]
    categories = next((found for each in series if (found := _categories(each))), {})
    places = sorted({place for column in [categories, *columns] for place in column})
    rows = [[categories.get(place, ""), *(column.get(place, "") for column in columns)] for place in places]
    return [["", *names], *rows] if any(names) else rows


def _categories(series: etree._Element) -> dict[int, str]:
    return _values(series, "cat") or _values(series, "xVal")


def _values(series: etree._Element, name: str) -> dict[int, str]:
    """The values shown, by their place."""
    element = series.find(f"{_C}{name}")
    if element is None:
        return {}
    levels = element.find(f".//{_C}lvl")
    points = (element if levels is None else levels).iter(f"{_C}pt")
    found = {_place(point): _shown(point.findtext(f"{_C}v") or "") for point in islice(points, _MOST_POINTS)}
    direct = element.findtext(f"{_C}v")
    return found or ({0: direct} if direct else {})


def _place(point: etree._Element) -> int:
    index = point.get("idx", "")
    return int(index) if re.fullmatch(r"\d{1,9}", index) else 0


def _shown(value: str) -> str:
    """A number without the tail of its binary form: 0.1, not 0.10000000000000001."""
    return f"{float(value):.15g}" if _NUMBER.fullmatch(value) else value


def diagram_texts(data: etree._Element) -> Iterator[str]:
    for point in data.iter(f"{_DIAGRAM}pt"):
        text = point.find(f"{_DIAGRAM}t")
        yield from [] if text is None else (text_of(paragraph) for paragraph in text.iter(f"{A}p"))
