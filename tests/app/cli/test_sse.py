"""Server-sent events survive any cut into pieces."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.cli.sse import parse_events

TEXT = st.text(st.characters(codec="utf-8"))
EVENTS = st.lists(
    st.tuples(st.sampled_from(["answer.delta", "citation.added", "error"]), st.dictionaries(TEXT, TEXT))
)


@given(events=EVENTS, size=st.integers(1, 20), ending=st.sampled_from(["\n", "\r\n"]))
def test_what_was_sent_is_read(events: list[tuple[str, dict[str, Any]]], size: int, ending: str) -> None:
    sent = "".join(
        f": heartbeat\n\nevent: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"
        for name, data in events
    )
    lines = sent.replace("\n", ending).encode()
    pieces = [lines[start : start + size] for start in range(0, len(lines), size)]
    assert list(parse_events(pieces)) == events


def test_an_event_cut_off_is_none() -> None:
    assert list(parse_events([b'event: answer.delta\ndata: {"text": "half'])) == []
