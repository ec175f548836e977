"""The one logger; records carry ids and durations, never document text, questions or credentials."""

import logging

logger = logging.getLogger("acervo")


def configure_logging() -> None:
    """For entry points: one line a record on standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger.handlers = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False
