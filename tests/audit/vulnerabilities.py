"""Known vulnerabilities, from OSV: https://google.github.io/osv.dev/post-v1-querybatch/."""

import json
import urllib.request
from collections.abc import Sequence
from typing import Final

from tests.audit.locks import Package

OSV: Final = "https://api.osv.dev/v1/querybatch"
_BATCH: Final = 500
_SECONDS: Final = 30
# Looked at by hand: the vulnerability's id, and why it does not touch us.
ACCEPTED: Final[dict[str, str]] = {}


def known(packages: Sequence[Package], *, address: str = OSV) -> list[str]:
    """One line a vulnerability. Raises OSError and ValueError where OSV cannot be asked."""
    found: list[str] = []
    for first in range(0, len(packages), _BATCH):
        batch = packages[first : first + _BATCH]
        for package, result in zip(batch, _asked(batch, address), strict=True):
            found += [
                f"{package.name} {package.version}: {each['id']}"
                for each in result.get("vulns", [])
                if each["id"] not in ACCEPTED
            ]
    return found


def _asked(packages: Sequence[Package], address: str) -> list[dict[str, list[dict[str, str]]]]:
    queries = [
        {"package": {"ecosystem": each.ecosystem, "name": each.name}, "version": each.version}
        for each in packages
    ]
    body = json.dumps({"queries": queries}).encode()
    request = urllib.request.Request(address, data=body, headers={"Content-Type": "application/json"})  # noqa: S310 - OSV's, or a test's
    with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310 - the same
        results: list[dict[str, list[dict[str, str]]]] = json.load(answer)["results"]
    return results
