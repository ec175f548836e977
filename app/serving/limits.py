"""How much of the server one client can hold, and for how long."""

import resource
from dataclasses import dataclass

MOST_CONNECTIONS = 1_000
# Of the process's descriptors: the database's connections, the processes that read files, the folder.
_OTHER_DESCRIPTORS = 128


@dataclass(frozen=True, kw_only=True)
class ConnectionLimits:
    """`head_seconds`: until a request's head has come. `body_seconds`: for all of a body, of which each
    `window_seconds` have to bring `body_rate` bytes a second. `unread_seconds`: how long a client may read
    nothing of its answer.
    """

    connections: int
    head_bytes: int = 16_384
    head_seconds: float = 10
    idle_seconds: int = 5
    body_seconds: float = 600
    body_rate: int = 1_000
    window_seconds: float = 20
    unread_seconds: float = 30
    tick_seconds: float = 1


def limits_of_this_process() -> ConnectionLimits:
    """A request may need a file beside its connection."""
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if descriptors == resource.RLIM_INFINITY:
        return ConnectionLimits(connections=MOST_CONNECTIONS)
    room = (descriptors - _OTHER_DESCRIPTORS) // 2
    return ConnectionLimits(connections=max(16, min(MOST_CONNECTIONS, room)))
