"""A library of documents over the real store."""

import pytest

from ingestion.worker import Worker
from rag.ports import Backend
from tests.doubles.library import Library


@pytest.fixture
def library(backend: Backend, worker: Worker) -> Library:
    return Library(backend=backend, worker=worker)
