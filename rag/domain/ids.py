"""Opaque, prefixed, time-ordered identifiers."""

import secrets
import time

# Crockford's base 32: no I, L, O, U; ASCII order is value order.
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def new_id(prefix: str) -> str:
    """`doc_` and 26 characters: 48 bits of milliseconds, 80 random bits, as in ULID."""
    number = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    return f"{prefix}_" + "".join(ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))
