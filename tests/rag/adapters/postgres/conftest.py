"""What tests of the store share."""

from collections.abc import Iterator

import pytest

from rag.adapters.postgres.connection import Session, open_pool
from rag.adapters.postgres.store import PostgresStore


@pytest.fixture
def session(store: PostgresStore, conninfo: str) -> Iterator[Session]:
    """Of the tenant `local`."""
    store.check()
    with open_pool(conninfo) as pool:
        yield Session(pool, "local")
