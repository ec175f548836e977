"""Text of others in a log: on its line, without secrets."""

import re
from typing import Final

from rag.text.printable import printable

_REDACTED: Final = "[redacted]"
_SECRETS: Final = (
    (re.compile(r"(acervo_)[A-Za-z0-9_-]{43}"), rf"\g<1>{_REDACTED}"),
    (re.compile(r"(/v1/uploads/)[^/\s?\"']+"), rf"\g<1>{_REDACTED}"),
    (
        re.compile(r"(?<![A-Za-z0-9_-])(eyJ)[A-Za-z0-9_-]{5,}+\.[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]*)?"),
        rf"\g<1>{_REDACTED}",
    ),
    (
        re.compile(
            r"(?i)([?&](?:api_?key|key|access_token|id_token|token|authorization|password|secret|signature"
            r"|x-api-key|x-amz-signature|x-amz-security-token|x-amz-credential)=)[^&\s\"']+"
        ),
        rf"\g<1>{_REDACTED}",
    ),
)


def readable(text: str) -> str:
    """Characters that would move the cursor or end the line are escaped, credentials left out."""
    return printable(without_secrets(text))


def without_secrets(text: str) -> str:
    """API keys, tokens, and addresses that are their own credential."""
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text
