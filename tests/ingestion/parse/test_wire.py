"""What a parsing process sends is read as it was meant, or refused."""

import socket
import threading
from dataclasses import fields
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.parse.wire import Channel, InvalidFrame, from_json, pack, to_json, unpack
from rag.domain.content import Block, BlockKind, ExtractedText

TEXTS = st.text(st.characters(codec="utf-8"), max_size=200)


@st.composite
def extracted_texts(draw: st.DrawFn) -> ExtractedText:
    text = draw(TEXTS)
    edges = sorted(draw(st.lists(st.integers(0, len(text)), max_size=20)))
    blocks = [
        draw(
            st.builds(
                Block,
                kind=st.sampled_from(BlockKind),
                start=st.just(start),
                end=st.just(end),
                level=st.integers(0, 6),
                header=st.booleans(),
            )
        )
        for start, end in zip(edges[::2], edges[1::2], strict=False)
    ]
    page_starts = tuple(sorted(draw(st.lists(st.integers(0, len(text)), max_size=5))))
    unread = (
        st.lists(st.sampled_from(range(1, len(page_starts) + 1)), max_size=3) if page_starts else st.just([])
    )
    return ExtractedText(
        text=text,
        blocks=tuple(blocks),
        media_type=draw(st.text(max_size=20)),
        title=draw(st.none() | TEXTS),
        page_starts=page_starts,
        unread_pages=tuple(draw(unread)),
    )


@given(extracted_texts())
def test_a_text_arrives_as_it_left(extracted: ExtractedText) -> None:
    assert unpack(pack(extracted)) == extracted


def test_every_field_passes() -> None:
    """A new field of these must pass too; then this list grows with it."""
    assert {field.name for field in fields(ExtractedText)} == {
        "text",
        "blocks",
        "media_type",
        "title",
        "page_starts",
        "unread_pages",
    }
    assert {field.name for field in fields(Block)} == {"kind", "start", "end", "level", "header"}


def test_an_unread_page_that_there_is_not_is_refused() -> None:
    found = ExtractedText(text="One", blocks=(), media_type="", page_starts=(0, 3), unread_pages=(3,))
    with pytest.raises(InvalidFrame, match="pages that there are not"):
        unpack(pack(found))


@given(st.lists(st.binary(max_size=40), max_size=9))
def test_parts_that_are_no_text_are_refused(parts: list[bytes]) -> None:
    with pytest.raises(InvalidFrame):
        unpack(parts)


@given(extracted_texts(), st.data())
def test_a_damaged_text_is_refused_or_is_still_a_text_with_spans_inside(
    extracted: ExtractedText, data: st.DataObject
) -> None:
    parts = [bytearray(part) for part in pack(extracted)]
    place = data.draw(st.integers(0, len(parts) - 1))
    at = data.draw(st.integers(0, max(0, len(parts[place]) - 1)))
    parts[place][at : at + 1] = data.draw(st.binary(max_size=2))
    try:
        found = unpack(parts)
    except InvalidFrame:
        return
    edges = [edge for block in found.blocks for edge in (block.start, block.end)]
    assert [0, *edges, len(found.text)] == list(accumulate([0, *edges, len(found.text)], max))
    assert all(0 <= start <= len(found.text) for start in found.page_starts)


@pytest.mark.parametrize(
    "value",
    [
        [1],
        "x",
        None,
    ],
)
def test_a_head_is_an_object(value: object) -> None:
    with pytest.raises(InvalidFrame):
        from_json(to_json(value))


@given(st.lists(st.binary(max_size=300_000), min_size=1, max_size=5))
def test_frames_of_any_size_pass_a_socket(parts: list[bytes]) -> None:
    here, there = socket.socketpair()
    with here, there:
        sender = threading.Thread(target=Channel(there).send, args=parts)
        sender.start()
        assert Channel(here).receive(10_000_000) == parts
        sender.join()


def test_a_frame_beyond_the_limit_is_refused_before_it_is_read() -> None:
    here, there = socket.socketpair()
    with here, there:
        Channel(there).send(b"12345")
        with pytest.raises(InvalidFrame):
            Channel(here).receive(4)
