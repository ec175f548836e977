"""The migration function's entry point: CloudFormation's custom resource for the schema."""

from collections.abc import Mapping
from time import sleep
from typing import Any, Final, Protocol

from rag.adapters.postgres.migrate import migrate
from rag.errors import DatabaseUnavailable, SettingInvalid
from rag.settings import DatabaseSettings
from rag.telemetry import configure_logging, logger

_RESOURCE: Final = "acervo-schema"
# How often a database that wakes up is asked, and the time kept for a last attempt, seconds.
_PAUSE: Final = 2.0
_RESERVE: Final = 30.0


class Context(Protocol):
    """The part of Lambda's context object that is used."""

    def get_remaining_time_in_millis(self) -> int: ...


def handler(event: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """What CDK's provider framework reports to CloudFormation; an exception is reported as a failure.

    Create and Update migrate. The Update of a roll-back, which runs the older code, finds nothing to do, and
    Delete does nothing: the data outlives the stack.
    https://docs.aws.amazon.com/cdk/api/v2/docs/aws-cdk-lib.custom_resources-readme.html
    """
    configure_logging()
    applied = 0 if event["RequestType"] == "Delete" else _migrate(context)
    # Another id would make CloudFormation delete the former resource.
    resource = event.get("PhysicalResourceId", _RESOURCE)
    return {"PhysicalResourceId": resource, "Data": {"Applied": applied}}


def _migrate(context: Context) -> int:
    """How many migrations ran; waits for the database as long as the function may run."""
    url = DatabaseSettings().url
    if url is None:
        raise SettingInvalid("DATABASE_URL is not set: it names the PostgreSQL server of the deployment.")
    while True:
        try:
            return migrate(url.get_secret_value())
        except DatabaseUnavailable as error:
            if context.get_remaining_time_in_millis() / 1000 < _RESERVE:
                raise
            logger.warning("%s", error)
            sleep(_PAUSE)
