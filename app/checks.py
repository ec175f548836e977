"""What a diagnosis finds, line by line."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Check:
    """`advice` says what to do where `ok` is false."""

    name: str
    ok: bool
    detail: str
    advice: str = ""
