"""What goes wrong in one invocation, and at which of its calls to the outside world."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from math import inf
from random import Random


class WorkerKilled(BaseException):
    """Ends a worker as SIGKILL does: nothing of ours handles it."""


class Kind(StrEnum):
    KILL_BEFORE = "killed before"
    KILL_AFTER = "killed after"
    DROP_BEFORE = "connection dropped before"
    DROP_AFTER = "connection dropped after"
    SOURCE_ERROR = "source error"
    THROTTLED = "throttled"
    TIMEOUT = "model time-out"
    SERVER_ERROR = "model error"
    MALFORMED = "malformed vectors"
    OUT_OF_TIME = "out of time"
    PAUSE = "paused"


KILLS = frozenset({Kind.KILL_BEFORE, Kind.KILL_AFTER})
DROPS = frozenset({Kind.DROP_BEFORE, Kind.DROP_AFTER})
MODEL_FAULTS = frozenset({Kind.THROTTLED, Kind.TIMEOUT, Kind.SERVER_ERROR, Kind.MALFORMED})


class Target(StrEnum):
    DATABASE = "database"
    SOURCE = "source"
    MODEL = "model"


# Which calls a fault can befall; the others befall any call.
_TARGETS = {
    **dict.fromkeys(DROPS, Target.DATABASE),
    Kind.SOURCE_ERROR: Target.SOURCE,
    **dict.fromkeys(MODEL_FAULTS, Target.MODEL),
}

_WEIGHTS = {
    Kind.KILL_BEFORE: 5,
    Kind.KILL_AFTER: 5,
    Kind.DROP_BEFORE: 2,
    Kind.DROP_AFTER: 2,
    Kind.SOURCE_ERROR: 1,
    Kind.THROTTLED: 4,
    Kind.TIMEOUT: 2,
    Kind.SERVER_ERROR: 2,
    Kind.MALFORMED: 2,
    Kind.OUT_OF_TIME: 2,
    Kind.PAUSE: 12,
}


@dataclass(frozen=True, kw_only=True)
class Fault:
    """`at`: the number of the call, from 0; a call of another target passes it on to the next."""

    kind: Kind
    at: int


def plan(random: Random, *, calls: int, share: float, pauses: bool) -> tuple[Fault, ...]:
    """Faults of one invocation that makes about `calls` calls; a `share` of the invocations has some."""
    if random.random() >= share:
        return ()
    weights = {kind: weight for kind, weight in _WEIGHTS.items() if pauses or kind is not Kind.PAUSE}
    count = random.choice((1, 1, 1, 2, 3))
    kinds = random.choices(list(weights), list(weights.values()), k=count)
    return tuple(Fault(kind=kind, at=random.randrange(max(calls, 1))) for kind in kinds)


@dataclass(kw_only=True)
class Worker:
    """One invocation's life: counts its calls and suffers the planned faults.

    `held`: a transaction was open during a call to somebody else than the database.
    """

    faults: Sequence[Fault] = ()
    pause: Callable[[], None] = lambda: None
    # Called after each transaction, when others can see what it did.
    committed: Callable[[], None] = lambda: None
    note: Callable[[str], None] = lambda _: None
    calls: int = 0
    dead: bool = False
    paused: int = 0
    in_transaction: bool = False
    held: bool = False
    suffered: list[Fault] = field(default_factory=list)

    def before(self, target: Target, *, interruptible: bool) -> Kind | None:
        """Called before each call; returns the fault that the call itself must show."""
        if self.dead:
            raise WorkerKilled
        self.held |= self.in_transaction and target is not Target.DATABASE
        if self.remaining() <= 0:
            self.note(f"timed out at {target} call {self.calls}")
            self.die()
        if interruptible and self._take({Kind.PAUSE}, target):
            self.paused += 1
            self.pause()
        if self._take({Kind.KILL_BEFORE}, target):
            self.die()
        return self._take(DROPS | MODEL_FAULTS | {Kind.SOURCE_ERROR}, target)

    def after(self, target: Target) -> None:
        if target is Target.DATABASE and not self.in_transaction:
            self.committed()
        if self._take({Kind.KILL_AFTER}, target):
            self.die()
        self.calls += 1

    def die(self) -> None:
        self.dead = True
        raise WorkerKilled

    @cached_property
    def _end(self) -> float:
        return min((fault.at for fault in self.faults if fault.kind is Kind.OUT_OF_TIME), default=inf)

    def remaining(self) -> float:
        """Seconds that this worker still has."""
        return max(0.0, min(120.0, (self._end - self.calls) * 0.2 + 8.0))

    def _take(self, kinds: frozenset[Kind] | set[Kind], target: Target) -> Kind | None:
        for fault in self.faults:
            due = fault.kind in kinds and fault not in self.suffered and fault.at <= self.calls
            if due and _TARGETS.get(fault.kind, target) is target:
                self.suffered.append(fault)
                self.note(f"{fault.kind} {target} call {self.calls}")
                return fault.kind
        return None
