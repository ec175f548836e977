"""The migration function's entry point: the schema, the roles that log in, and the first API key."""

from collections.abc import Callable, Mapping
from contextlib import closing
from functools import partial
from time import sleep
from typing import Any, Final, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rag.adapters.postgres.connection import Conninfo, PoolSettings, Session, open_pool
from rag.adapters.postgres.credentials import PostgresCredentials
from rag.adapters.postgres.login import TokenSigner, first_accepted, with_password, with_tokens
from rag.adapters.postgres.migrate import migrate
from rag.adapters.postgres.roles import grant_logins
from rag.adapters.rds import RdsTokens
from rag.domain.buckets import validate_tenant
from rag.domain.credentials import NewApiKey, Scope, fingerprint, new_secret
from rag.errors import DatabaseUnavailable, InvalidRequest, SettingInvalid
from rag.settings import DatabaseSettings, FunctionSettings, MigrationSettings
from rag.telemetry import configure_structured_logging, logger

T = TypeVar("T")

_RESOURCE: Final = "acervo-schema"
# How often a database that wakes up is asked, and the time kept for a last attempt, seconds.
_PAUSE: Final = 2.0
_RESERVE: Final = 30.0


class Context(Protocol):
    """The part of Lambda's context object that is used."""

    def get_remaining_time_in_millis(self) -> int: ...


class KeyRequest(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    tenant: str
    name: str = Field(min_length=1)
    scopes: tuple[Scope, ...] = Field(default=(Scope.READ, Scope.WRITE), min_length=1)


def handler(
    event: Mapping[str, Any], context: Context, *, signer: Callable[[], TokenSigner] = RdsTokens
) -> dict[str, Any]:
    """Answers CDK's provider framework, or `{"create_key": {"tenant", "name", "scopes"?}}` of an operator.

    Create and Update migrate. The Update of a roll-back, which runs the older code, finds nothing to do, and
    Delete does nothing: the data outlives the stack. An exception is reported as a failure.
    https://docs.aws.amazon.com/cdk/api/v2/docs/aws-cdk-lib.custom_resources-readme.html

    A key is answered once, and only its hash is kept.
    """
    function = FunctionSettings()
    configure_structured_logging(service=function.function_service, namespace=function.metrics_namespace)
    if "create_key" in event:
        wanted = _key_request(event["create_key"])
        return _patiently(context, lambda: _create_key(wanted, _owner(signer)))
    if event.get("RequestType") not in {"Create", "Update", "Delete"}:
        raise InvalidRequest('The event is neither CloudFormation\'s nor {"create_key": …}.')
    deleting = event["RequestType"] == "Delete"
    applied = 0 if deleting else _patiently(context, lambda: _migrate(_owner(signer)))
    # Another id would make CloudFormation delete the former resource.
    resource = event.get("PhysicalResourceId", _RESOURCE)
    return {"PhysicalResourceId": resource, "Data": {"Applied": applied}}


def _migrate(owner: Conninfo) -> int:
    """How many migrations ran."""
    settings = MigrationSettings()
    conninfo = first_accepted(_logins(owner, settings))
    applied = migrate(conninfo)
    if settings.service_user:
        grant_logins(conninfo, settings.service_user)
    return applied


def _logins(owner: Conninfo, settings: MigrationSettings) -> list[str]:
    """The owner's, in the order in which they are tried: the first password is void after the first run."""
    if isinstance(owner, str):
        return [owner]
    signed = owner()
    first = settings.first_password
    return [signed, with_password(signed, first.get_secret_value())] if first else [signed]


def _create_key(wanted: KeyRequest, owner: Conninfo) -> dict[str, Any]:
    secret = new_secret()
    new = NewApiKey(tenant=validate_tenant(wanted.tenant), name=wanted.name, scopes=wanted.scopes)
    with closing(open_pool(owner, PoolSettings(max_size=1))) as pool:
        key = PostgresCredentials(pool, partial(Session, pool)).create(new, fingerprint(secret))
    scopes = [*map(str, key.scopes)]
    return {"id": key.id, "tenant": key.tenant, "name": key.name, "scopes": scopes, "key": secret}


def _key_request(given: Any) -> KeyRequest:
    try:
        return KeyRequest.model_validate(given)
    except ValidationError as error:
        raise InvalidRequest(f"create_key: {error}") from error


def _owner(signer: Callable[[], TokenSigner]) -> Conninfo:
    settings = DatabaseSettings()
    if settings.url is None:
        raise SettingInvalid("DATABASE_URL is not set: it names the PostgreSQL server of the deployment.")
    url = settings.url.get_secret_value()
    return with_tokens(url, signer()) if settings.login == "iam" else url


def _patiently(context: Context, action: Callable[[], T]) -> T:
    """Waits for the database as long as the function may run."""
    while True:
        try:
            return action()
        except DatabaseUnavailable as error:
            if context.get_remaining_time_in_millis() / 1000 < _RESERVE:
                raise
            logger.warning("%s", error)
            sleep(_PAUSE)
