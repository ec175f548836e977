"""The encoder against botocore's decoder, and against a message recorded from Bedrock."""

from base64 import b64decode

import pytest
from botocore.eventstream import ChecksumMismatch, EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from tests.doubles.event_stream import event, exception, message, padded_event

# The first message of a real ConverseStream answer (github.com/agentjido/req_llm, 2026-09-12).
RECORDED = b64decode(
    "AAAAiAAAAFJh0RTiCzpldmVudC10eXBlBwAMbWVzc2FnZVN0YXJ0DTpjb250ZW50LXR5cGUHABBhcHBsaWNhdGlvbi9qc29u"
    "DTptZXNzYWdlLXR5cGUHAAVldmVudHsicCI6ImFiY2RlZmdoaWprIiwicm9sZSI6ImFzc2lzdGFudCJ9t/VqyQ=="
)
HEADERS = st.dictionaries(st.text("abc:-", min_size=1, max_size=20), st.text(max_size=40), max_size=4)


def test_writes_the_bytes_that_bedrock_writes() -> None:
    assert event("messageStart", b'{"p":"abcdefghijk","role":"assistant"}') == RECORDED


@given(messages=st.lists(st.tuples(HEADERS, st.binary(max_size=300)), max_size=4), size=st.integers(1, 50))
def test_botocore_reads_what_is_written_however_it_is_cut(
    messages: list[tuple[dict[str, str], bytes]], size: int
) -> None:
    data = b"".join(message(headers, payload) for headers, payload in messages)
    buffer = EventStreamBuffer()
    for start in range(0, len(data), size):
        buffer.add_data(data[start : start + size])
    assert [(read.headers, read.payload) for read in buffer] == messages


def test_an_exception_is_an_error_to_botocore() -> None:
    buffer = EventStreamBuffer()
    buffer.add_data(exception("throttlingException", {"message": "slowly"}))
    response = next(buffer).to_response_dict()
    assert response["status_code"] == 400
    assert response["headers"][":exception-type"] == "throttlingException"


def test_a_changed_byte_is_noticed() -> None:
    changed = bytearray(padded_event("messageStart", {"role": "assistant"}))
    changed[-8] ^= 1
    buffer = EventStreamBuffer()
    buffer.add_data(bytes(changed))
    with pytest.raises(ChecksumMismatch):
        next(buffer)
