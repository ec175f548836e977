"""One schedule: source events, deliveries and faults in an order that its seed decides."""

import random as library_random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from ingestion.handler import IngestionUnfinished
from tests.simulator.account import Account
from tests.simulator.environment import Environment
from tests.simulator.faults import Fault, Kind, Worker, WorkerKilled, plan
from tests.simulator.invariants import check_end
from tests.simulator.machine import DEPTH, Machine
from tests.simulator.producer import Producer, object_name, shard_of
from tests.simulator.queues import BATCH, VISIBILITY, Message, Queue, Record, Shard, batch_event, failures
from tests.simulator.reader import Reader, Violation
from tests.simulator.world import DEFAULT_TENANT, Door, Key

_MOST_EVENTS = 200
# Calls of an invocation at which it is killed in turn.
_TURNS = 120
# One schedule in so many has its bucket and its model behind servers.
_SERVED = 8
# The share of transactions after which a reader looks.
_LOOKS = 0.04
_LEASE = 31.0
# Rounds after which what still goes round is stuck.
_MOST_ROUNDS = 500
_SCHEDULED = {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}
_TEST_EVENT = '{"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "acervo-documents"}'


@dataclass(kw_only=True)
class Outcome:
    """What one schedule was, and what was wrong in it."""

    seed: int
    events: int = 0
    invocations: int = 0
    crashes: int = 0
    violations: list[Violation] = field(default_factory=list)


class Simulation:
    """`note` is told what happens, line by line."""

    def __init__(self, machine: Machine, seed: int, note: Callable[[str], None] = lambda _: None) -> None:
        # The service's jitter too is part of the schedule.
        library_random.seed(seed)
        self._random = Random(seed)
        self._machine = machine
        self._note = note
        self._now = 0.0
        self._share = self._random.choice((0.3, 0.6, 0.9))
        self._calls_a_delivery = 30.0
        self._turn = 7 * seed
        self._events = 20 + int((_MOST_EVENTS - 20) * self._random.random() ** 12)
        self._keys = {key.place: key for key in _keys(self._random)}
        self._names = {object_name(key): key for key in self._keys.values()}
        self._queue = Queue()
        self._shards = (Shard(id="shardId-000000000000"), Shard(id="shardId-000000000001"))
        bucket = machine.reset(versioned=self._random.random() < 0.8, served=seed % _SERVED == _SERVED - 1)
        self._producer = Producer(self._random, [*self._keys.values()], bucket, self._queue, self._shards)
        self._reader = Reader(machine.owner, self._keys)
        self._account = Account(machine.owner, self._keys, self._reader)
        self.outcome = Outcome(seed=seed)

    def run(self) -> Outcome:
        self._queue.send(_TEST_EVENT, visible_at=0.0)
        while self.outcome.events < self._events:
            self._step(0)
        self._drain(self._share / 2)
        self._share = 0.0
        self._drain(0.0)
        self._redrive()
        self._report(self._end())
        self._deliver_everything_again()
        self._report(self._end())
        return self.outcome

    def _step(self, depth: int) -> None:
        actions: dict[Callable[[], object], float] = {
            lambda: self._produce(depth): 5 if self.outcome.events < self._events else 0,
            lambda: self._deliver_messages(depth): 3,
            lambda: self._deliver_records(self._random.choice(self._shards), depth): 1.5,
            lambda: self._sweep(depth): 0.3,
            self._look: 0.7,
            lambda: self._advance(self._random.choice((0.5, 5.0, _LEASE, VISIBILITY))): 0.5,
            lambda: self._random.choice(self._shards).lose_checkpoint(self._random): 0.1,
        }
        self._random.choices(list(actions), list(actions.values()))[0]()

    def _produce(self, depth: int, key: Key | None = None) -> None:
        self.outcome.events += 1
        backend = self._machine.environments[depth].backend
        done = (
            self._producer.change(key, self._now, backend) if key else self._producer.step(self._now, backend)
        )
        self._note(done)

    def _look(self) -> None:
        self._report(self._reader.look())

    def _advance(self, seconds: float) -> None:
        self._now += seconds
        self._machine.advance(seconds)

    def _deliver_messages(self, depth: int, about: str | None = None) -> bool:
        batch = self._queue.receive(self._now, self._random, about)
        if batch:
            self._note(f"deliver {' '.join(message.id for message in batch)}")
            answer = self._invoke(batch, depth)
            if answer is not None:
                self._queue.settle(batch, answer, now=self._now, random=self._random)
        return bool(batch)

    def _deliver_records(self, shard: Shard, depth: int) -> bool:
        window = shard.window(self._random)
        if window is None:
            return False
        self._note(f"deliver {' '.join(record.sequence[-6:] for record in window.records)} of {shard.id}")
        answer = self._invoke(window.records, depth)
        if answer is None:
            shard.fail(window)
        else:
            shard.settle(window, answer)
        return True

    def _invoke(self, batch: Sequence[Message | Record], depth: int) -> set[str] | None:
        """The deliveries that were handed back; None: the worker died, and nobody knows."""
        worker = self._worker(batch, depth)
        answer = self._run(batch_event(batch), worker, depth)
        if worker.dead:
            return None
        self._calls_a_delivery += (worker.calls / len(batch) - self._calls_a_delivery) * 0.1
        return failures(answer)

    def _sweep(self, depth: int) -> None:
        """A turn of the schedule."""
        self._note("sweep")
        self._run(_SCHEDULED, self._worker((), depth), depth)

    def _run(self, event: Mapping[str, Any], worker: Worker, depth: int) -> Mapping[str, Any]:
        self.outcome.invocations += 1
        environment = self._machine.environments[depth]
        self._watch_till(environment, worker)
        answer: Mapping[str, Any] = {"batchItemFailures": []}
        try:
            answer = environment.invoke(event, worker)
        except WorkerKilled:
            pass
        except IngestionUnfinished:
            if event is not _SCHEDULED:
                raise
        except Exception as error:  # noqa: BLE001 - whatever a handler lets through is a finding
            self._violate(4, "a batch", f"the handler raised {error!r}")
        if worker.held:
            self._violate(2, "a batch", "a transaction was open during a call over the network")
        self._note(
            f"  {worker.calls} calls, {'dead' if worker.dead else f'handed back {sorted(failures(answer))}'}"
        )
        if worker.dead:
            self.outcome.crashes += 1
            self._look()
        return answer

    def _watch_till(self, environment: Environment, worker: Worker) -> None:
        environment.till.asked = lambda texts: self._report(self._account.check(texts, worker))
        environment.till.answered = self._account.book

    def _worker(self, batch: Sequence[Message | Record], depth: int) -> Worker:
        calls = round(self._calls_a_delivery * max(len(batch), 1))
        faults = plan(self._random, calls=calls, share=self._share, pauses=depth + 1 < DEPTH)
        if self._share and self.outcome.invocations % 5 == 0:
            faults = (*faults, self._next_kill())
        elif self._share and self.outcome.invocations % 3 == 0 and depth + 1 < DEPTH:
            faults = (*faults, Fault(kind=Kind.PAUSE, at=self._random.randrange(calls)))
        about = sorted({delivery.about for delivery in batch} & self._names.keys())
        return Worker(
            faults=faults,
            pause=lambda: self._interleave(depth + 1, about),
            committed=self._look_sometimes,
            note=self._indented,
        )

    def _next_kill(self) -> Fault:
        """Beside the random ones: at every call in turn, over all schedules."""
        self._turn += 1
        after, at = divmod(self._turn % (2 * _TURNS), _TURNS)
        return Fault(kind=Kind.KILL_AFTER if after else Kind.KILL_BEFORE, at=at)

    def _look_sometimes(self) -> None:
        if self._random.random() < _LOOKS:
            self._look()

    def _interleave(self, depth: int, about: Sequence[str]) -> None:
        """What happens while a worker stands still that has to do with these documents."""
        self._look()
        if self._random.random() < 0.5:
            self._advance(self._random.choice((_LEASE, VISIBILITY)))
        if about and self._random.random() < 0.7:
            self._overtake(self._random.choice(about), depth)
        for _ in range(self._random.randint(0, 4)):
            self._step(depth)
        self._note("  resumed")

    def _overtake(self, name: str, depth: int) -> None:
        """The document changes, and others work on it."""
        if self._random.random() < 0.7 and self.outcome.events < _MOST_EVENTS:
            self._produce(depth, self._names[name])
        for _ in range(self._random.randint(1, 2)):
            self._deliver_messages(depth, name)
            if "kinesis" in self._names[name].doors:
                self._deliver_records(shard_of(name, self._shards), depth)

    def _drain(self, share: float) -> None:
        """Delivers until nothing is left, except for the dead."""
        self._share = share
        for _ in range(_MOST_ROUNDS):
            if not self._queue.messages and not any(shard.behind() for shard in self._shards):
                return
            delivered = self._deliver_messages(0)
            for shard in self._shards:
                delivered |= self._deliver_records(shard, 0)
            following = self._queue.next_visible()
            if not delivered and following is not None:
                self._advance(max(following - self._now, 1.0))
        self._violate(3, "the queues", "deliveries go round and round")

    def _redrive(self) -> None:
        """What an operator does: failed documents, then both dead-letter queues."""
        self._note("redrive")
        self._advance(10 * VISIBILITY)
        store = self._machine.environments[0].backend.store
        rows = self._machine.owner.execute(
            "SELECT tenant_id, document_id FROM documents WHERE status = 'failed'"
        )
        for row in rows.fetchall():
            store.tenant(row["tenant_id"]).documents.retry(row["document_id"])
            self._producer.request_work(row["tenant_id"], self._now, self._machine.environments[0].backend)
        self._drain(0.0)
        self._queue.redrive(self._now)
        self._drain(0.0)
        for shard in self._shards:
            again, shard.destination = shard.destination, []
            for record in again:
                if self._invoke([record], 0):
                    shard.destination.append(record)

    def _deliver_everything_again(self) -> None:
        """In any order; what was done must stay done, and cost nothing."""
        self._note("everything again")
        before = self._account.calls_for_undisputed
        messages = {message.body: message for message in self._queue.sent if not message.poison}
        records = [record for shard in self._shards for record in shard.records if not record.poison]
        self._deliver_again([*messages.values()])
        self._deliver_again(records)
        if self._account.calls_for_undisputed > before:
            self._violate(5, "everything again", "the model was called for what had not changed")

    def _deliver_again(self, deliveries: Sequence[Message | Record]) -> None:
        shuffled = self._random.sample(deliveries, len(deliveries))
        for first in range(0, len(shuffled), BATCH):
            batch = shuffled[first : first + BATCH]
            if failed := self._invoke(batch, 0):
                self._violate(4, "a repeated batch", f"handed back {sorted(failed)}")

    def _end(self) -> Iterable[Violation]:
        return check_end(self._machine.owner, self._keys, self._reader, self._queue, self._shards)

    def _violate(self, invariant: int, key: str, seen: str) -> None:
        self._report([Violation(invariant=invariant, key=key, seen=seen)])

    def _report(self, violations: Iterable[Violation]) -> None:
        for violation in violations:
            if violation in self.outcome.violations:
                continue
            self._note(f"VIOLATION {violation.invariant} {violation.key}: {violation.seen}")
            self.outcome.violations.append(violation)

    def _indented(self, text: str) -> None:
        self._note(f"  {text}")


def _keys(random: Random) -> Sequence[Key]:
    collections = [f"c{number}" for number in range(random.randint(1, 3))]
    tenants = (DEFAULT_TENANT, "other") if random.random() < 0.2 else (DEFAULT_TENANT,)
    count = 5 + int(36 * random.random() ** 3)
    return [_key(random, number, collections, tenants) for number in range(count)]


def _key(random: Random, number: int, collections: Sequence[str], tenants: Sequence[str]) -> Key:
    name = random.choice(("k{}.txt", "reports/k{}.txt", "k {} é+%.txt")).format(number)
    doors: tuple[Door, ...] = random.choices((("s3",), ("kinesis",), ("s3", "kinesis")), (12, 8, 1))[0]
    place = (random.choice(tenants), random.choice(collections), name)
    return Key(place=place, doors=doors, marker=f"louli{number}u")
