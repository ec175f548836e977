"""PPTX: every word once, on its slide, in the order in which a slide is read."""

from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.parse.pptx import parse_pptx
from ingestion.parse.reading_order import Box, reading_order
from tests.ingestion.parse.goldens.ooxml import Slide, graphic, paragraph, pptx, shape, table
from tests.ingestion.parse.sections import Section, assert_pages, assert_words, sections


def slide(section: Section) -> Slide:
    """The boxes are written from the last to the first; where they stand tells the order."""
    boxes = [shape(*map(paragraph, section.paragraphs), at=(2, 4, 20, 3))]
    if section.items:
        boxes.append(shape(*map(paragraph, section.items), kind="body", at=(2, 8, 20, 3)))
    if section.rows:
        boxes.append(graphic(table(*section.rows), (2, 12, 20, 3)))
    title = shape(paragraph(section.heading), kind="title", at=(2, 1, 20, 2))
    return Slide(shapes="".join([title, *boxes][::-1]))


@given(sections())
@settings(max_examples=40, deadline=None)
def test_words_come_out_once_in_order_on_their_slide(written: list[Section]) -> None:
    extracted = parse_pptx(pptx(*map(slide, written)))
    assert_words(extracted, written)
    assert_pages(extracted, written)


@given(st.permutations(range(6)))
def test_rows_of_boxes_are_read_before_those_below(order: list[int]) -> None:
    """Three rows of two boxes, near beside each other and far above each other."""
    boxes = [
        (Box(left=11 * column, top=20 * row, right=11 * column + 10, bottom=20 * row + 5), 2 * row + column)
        for row in range(3)
        for column in range(2)
    ]
    assert [content for _, content in reading_order([boxes[index] for index in order])] == list(range(6))


@given(st.lists(st.tuples(*[st.integers(-50, 50)] * 4), max_size=30))
def test_every_box_is_read_once(corners: list[tuple[int, int, int, int]]) -> None:
    boxes = [
        (Box(left=left, top=top, right=left + abs(width), bottom=top + abs(height)), index)
        for index, (left, top, width, height) in enumerate(corners)
    ]
    assert sorted(content for _, content in reading_order(boxes)) == list(range(len(boxes)))


def test_many_boxes_are_read_without_delay() -> None:
    boxes = [(Box(left=0, top=-index, right=1, bottom=1 - index), index) for index in range(20_000)]
    assert [content for _, content in reading_order(boxes)] == list(range(20_000))[::-1]


def test_a_bullet_of_the_layout_is_overruled_by_the_paragraph() -> None:
    text = shape(paragraph("plain", bullet="<a:buNone/>"), paragraph("listed"), kind="body")
    assert parse_pptx(pptx(Slide(shapes=text))).text == "plain\n\n- listed"


def test_a_choice_is_read_and_its_fallback_is_not() -> None:
    shapes = (
        '<mc:AlternateContent xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006">'
        f"<mc:Choice>{shape(paragraph('new'))}</mc:Choice><mc:Fallback>{shape(paragraph('old'))}</mc:Fallback>"
        "</mc:AlternateContent>"
    )
    assert parse_pptx(pptx(Slide(shapes=shapes))).text == "new"
