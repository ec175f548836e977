"""How the database's connections are shared out, and with them the concurrency of the functions."""

from dataclasses import dataclass
from typing import Final

from infra.errors import DeploymentSettingsInvalid
from infra.settings import DeploymentSettings

# RDS itself gives a db.t4g.micro about as many (its formula counts the memory that the engine is left).
PER_GIB: Final = 80
# Aurora's limit where the minimum capacity is 0 or 0.5.
_AURORA_MOST: Final = 2_000
# Those of RDS and of superusers, the migration's, an operator's, the scheduled sweep's.
RESERVED: Final = 10
# One works; a second while a claim is prolonged beside the work, or a request has two sessions.
PER_FUNCTION: Final = 2
# Bounds of MaximumConcurrency of an SQS event source.
_SOURCE_LEAST, _SOURCE_MOST = 2, 1_000


@dataclass(frozen=True, kw_only=True)
class ConnectionPlan:
    """How many functions of each kind may run at once."""

    max_connections: int
    queue: int
    stream: int
    api: int


def plan_connections(settings: DeploymentSettings) -> ConnectionPlan:
    """Raises DeploymentSettingsInvalid where the database is too small for the stream's shards."""
    most = _AURORA_MOST if settings.database.kind == "aurora" else 5_000
    max_connections = min(most, int(PER_GIB * settings.database.memory_gib))
    functions = (max_connections - RESERVED) // PER_FUNCTION
    writing = max(int(functions * settings.ingestion.connection_share), _SOURCE_LEAST)
    stream = settings.stream.shards * settings.stream.batches_per_shard if settings.stream.enabled else 0
    queue = min(writing - stream, _SOURCE_MOST)
    api = functions - writing
    if queue < _SOURCE_LEAST or api < 1:
        raise DeploymentSettingsInvalid(
            f"{max_connections} connections are {writing} functions that write and {api} that answer:"
            f" too few beside {stream} of the stream (shards x batches_per_shard). Take a larger database,"
            " fewer shards, or another ingestion.connection_share."
        )
    return ConnectionPlan(max_connections=max_connections, queue=queue, stream=stream, api=api)
