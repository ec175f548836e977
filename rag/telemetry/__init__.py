"""The one logger, the ids its records carry, and metrics; never document text, questions, credentials."""

from rag.telemetry.context import bound
from rag.telemetry.logs import configure_logging, configure_structured_logging, logger
from rag.telemetry.metrics import Metric, measure
from rag.telemetry.readable import readable, without_secrets

__all__ = [
    "Metric",
    "bound",
    "configure_logging",
    "configure_structured_logging",
    "logger",
    "measure",
    "readable",
    "without_secrets",
]
