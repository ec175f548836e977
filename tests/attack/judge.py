"""What an answer to an attacker may not be: a fault of the server, late, or of somebody else."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

_MACHINE: Final = re.compile(
    r"Traceback \(most recent call last\)|File \\?\"[^\"]+\.py|site-packages|\bpsycopg|postgres(?:ql)?://"
    r"|root:x:0:|\bfrom pg_catalog|current_setting\(|BEGIN (?:RSA )?PRIVATE KEY"
)
_SHOWN: Final = 12


@dataclass(frozen=True, kw_only=True)
class Answer:
    """`status` 0: the connection ended without one; -1: there was none within the time."""

    status: int
    seconds: float
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class Finding:
    what: str
    kind: str
    detail: str


@dataclass(kw_only=True)
class Judge:
    """`foreign` are words that only other tenants' data hold, `machine` what only this machine knows."""

    foreign: frozenset[str]
    machine: frozenset[str] = frozenset()
    requests: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def look(
        self, kind: str, sent: str, answer: Answer, *, limit: float, refused: bool = False
    ) -> list[Finding]:
        """With `refused` nothing but a refusal is right."""
        found = [
            Finding(what=what, kind=kind, detail=detail)
            for what, detail in self._faults(sent, answer, limit, refused=refused)
        ]
        with self._lock:
            self.requests += 1
            self.statuses[answer.status] += 1
            self.findings += found
        return found

    def note(self, what: str, kind: str, detail: str) -> None:
        with self._lock:
            self.findings.append(Finding(what=what, kind=kind, detail=detail))

    def count(self, what: str) -> int:
        return sum(finding.what == what for finding in self.findings)

    def _faults(self, sent: str, answer: Answer, limit: float, *, refused: bool) -> Iterable[tuple[str, str]]:
        about = f"{sent[:100]!r} -> {answer.status} in {answer.seconds:.2f} s: {answer.text[-160:]!r}"
        if answer.status >= 500:
            yield "server_error", about
        if answer.status == -1 or answer.seconds > limit:
            yield "slow", f"limit {limit:g} s; {about}"
        # What the attacker sent itself may come back.
        yield from (("leak", about) for word in self._leaked(answer.text) if word not in sent)
        if refused and 200 <= answer.status < 400:
            yield "leak", f"admitted; {about}"

    def _leaked(self, text: str) -> Iterable[str]:
        yield from (word for word in self.foreign | self.machine if word in text)
        yield from (match[0] for match in _MACHINE.finditer(text))


def told(findings: Iterable[Finding]) -> list[str]:
    """The findings by kind, the first of each in full."""
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.what, finding.kind), []).append(finding)
    lines = []
    for (what, kind), group in sorted(groups.items()):
        lines.append(f"{what:<13} {len(group):>5} x {kind}")
        lines += [f"    {finding.detail}" for finding in group[:2]]
    return lines[: _SHOWN * 20]
