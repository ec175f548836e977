"""Bodies of very many small values would hold up everybody while they are read: they are refused before."""

from typing import Final

from rag.errors import InvalidRequest

# Punctuation, numbers and white space: all that stands outside of strings. Twice the metadata that are kept.
MAX_BYTES_OUTSIDE: Final = 131_072
MAX_STRINGS: Final = 32_768


def check_shape(body: bytes) -> None:
    """Raises InvalidRequest. A text of 50 MB is one string, and is read in a fraction of a second.

    29 MB of `[1, {}]` took 10 s, in which the server answered nobody (2026-12-01).
    """
    if len(body) <= min(MAX_BYTES_OUTSIDE, 2 * MAX_STRINGS):
        return
    # A run of backslashes begins within a string, so that each two of them are one that is meant.
    bare = body.replace(rb"\\", b"").replace(rb"\"", b"")
    if bare.count(b'"') > 2 * MAX_STRINGS:
        raise InvalidRequest(f"The JSON has more than {MAX_STRINGS} strings. Send fewer in a request.")
    if sum(map(len, bare.split(b'"')[::2])) > MAX_BYTES_OUTSIDE:
        raise InvalidRequest(
            f"The JSON has more than {MAX_BYTES_OUTSIDE} bytes outside of its strings. Send fewer values."
        )
