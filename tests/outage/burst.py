"""A burst of events while the database is away: what becomes of them, and what the API answers."""

import json
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from rag.adapters.postgres.migrate import migrate
from rag.adapters.postgres.store import PostgresTenantStore
from rag.domain.credentials import NewApiKey, Scope, fingerprint, new_secret
from rag.domain.documents import DocumentStatus
from rag.errors import DocumentNotFound
from tests.doubles.s3_server import S3Server, s3_server
from tests.doubles.write_backend import WriteBackend
from tests.outage.functions import TENANT, Answer, Patience, SharedQueue, asking, ingesting, open_backend
from tests.outage.server import FragileServer

FUNCTIONS = 3


@dataclass(frozen=True, kw_only=True)
class Outage:
    """`kind` is a name in FragileServer.outages; begins when this share of the events is worked off."""

    kind: str
    seconds: float
    at: float


@dataclass(kw_only=True)
class Report:
    """`lost` are the keys whose newest version is not searchable in the end."""

    events: int
    documents: int
    seconds: float = 0.0
    lost: list[str] = field(default_factory=list)
    dead_letters: int = 0
    deliveries: int = 0
    most_deliveries: int = 0
    answers: list[Answer] = field(default_factory=list)

    def statuses(self) -> Counter[int]:
        return Counter(answer.status for answer in self.answers)

    def slowest(self) -> float:
        return max(answer.seconds for answer in self.answers)

    def without_advice(self) -> int:
        """Refusals that are no problem document, or do not say when to come again."""
        refused = [answer for answer in self.answers if answer.status == 503]
        return sum(not (answer.problem and answer.retry_after) for answer in refused)


def run(
    folder: Path,
    outages: Sequence[Outage],
    *,
    patience: Patience,
    events: int = 500,
    documents: int = 500,
    give_up_after: float = 600,
) -> Report:
    report, queue = Report(events=events, documents=documents), SharedQueue(speed=patience.speed)
    fragile = FragileServer(folder)
    with ExitStack() as stack:
        conninfo = stack.enter_context(fragile.running())
        server = stack.enter_context(s3_server())
        migrate(conninfo)
        newest = _drop(server, queue, events, documents)
        backends = [open_backend(conninfo, server, patience) for _ in range(FUNCTIONS + 1)]
        report.answers = stack.enter_context(asking(backends[0], _key(backends[0])))
        stack.callback(backends[0].close)
        started = time.monotonic()
        with ingesting(backends[1:], queue):
            for outage in outages:
                _wait(queue, round(events * (1 - outage.at)), started + give_up_after)
                fragile.outages[outage.kind](outage.seconds)
                fragile.advance((patience.speed - 1) * outage.seconds)
            _wait(queue, 0, started + give_up_after)
        report.seconds = time.monotonic() - started
        _judge(report, queue, _tenant(backends[0]), newest)
    return report


def _drop(server: S3Server, queue: SharedQueue, events: int, documents: int) -> dict[str, str]:
    """Fills bucket and queue; the newest text by key. Notifications come in no order."""
    newest: dict[str, str] = {}
    notifications = []
    for number in range(events):
        key = f"{number % documents}.txt"
        newest[key] = f"Version {number} of the document speaks of subject{number} and of nothing else."
        notifications.append(server.bucket.put(f"notes/{key}", newest[key].encode()).notification)
    Random(5).shuffle(notifications)
    for notification in notifications:
        queue.send(json.dumps(notification))
    return newest


def _key(backend: WriteBackend) -> str:
    secret = new_secret()
    new = NewApiKey(tenant=TENANT, name="asker", scopes=(Scope.READ,))
    backend.store.credentials.create(new, fingerprint(secret))
    return secret


def _wait(queue: SharedQueue, waiting: int, deadline: float) -> None:
    while queue.waiting() > waiting and time.monotonic() < deadline:
        time.sleep(0.02)


def _tenant(backend: WriteBackend) -> PostgresTenantStore:
    tenant = backend.store.tenant(TENANT)
    if not isinstance(tenant, PostgresTenantStore):
        raise TypeError("the burst is written into PostgreSQL")
    return tenant


def _judge(report: Report, queue: SharedQueue, tenant: PostgresTenantStore, newest: dict[str, str]) -> None:
    deliveries = [message.receives for message in queue.queue.sent]
    report.deliveries, report.most_deliveries = sum(deliveries), max(deliveries)
    report.dead_letters = len(queue.queue.dead)
    report.lost = [key for key, text in newest.items() if not _is_searchable(tenant, key, text)]


def _is_searchable(tenant: PostgresTenantStore, key: str, text: str) -> bool:
    try:
        document = tenant.documents.find("notes", key)
    except DocumentNotFound:
        return False
    return document.status is DocumentStatus.READY and tenant.documents.text(document.id) == text
