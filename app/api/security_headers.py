"""What every response tells a browser: guess no type, embed nothing, run nothing, pass no address on."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from starlette.datastructures import MutableHeaders

SECURITY_HEADERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    }
)


def secure(headers: MutableHeaders) -> None:
    """Adds what is not there; a page of ours says more in its own Content-Security-Policy."""
    for name, value in SECURITY_HEADERS.items():
        headers.setdefault(name, value)
