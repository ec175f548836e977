"""The migration function's entry point: the schema, the roles that log in, and an operator's orders."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import asdict
from datetime import datetime
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
from rag.domain.credentials import ApiKey, Limits, NewApiKey, Scope, fingerprint, new_secret
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


class Order(BaseModel, ABC):
    """What an operator wants for a tenant."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tenant: str

    @abstractmethod
    def run(self, credentials: PostgresCredentials) -> dict[str, Any]: ...


class CreateKey(Order):
    """The answer holds the key, of which only the hash is kept."""

    name: str = Field(min_length=1)
    scopes: tuple[Scope, ...] = Field(default=(Scope.READ, Scope.WRITE), min_length=1)

    def run(self, credentials: PostgresCredentials) -> dict[str, Any]:
        secret = new_secret()
        new = NewApiKey(tenant=self.tenant, name=self.name, scopes=self.scopes)
        return {**_shown(credentials.create(new, fingerprint(secret))), "key": secret}


class ListKeys(Order):
    def run(self, credentials: PostgresCredentials) -> dict[str, Any]:
        return {"keys": [_shown(key) for key in credentials.list(self.tenant)]}


class RevokeKey(Order):
    """Raises ApiKeyNotFound."""

    id: str

    def run(self, credentials: PostgresCredentials) -> dict[str, Any]:
        return _shown(credentials.revoke(self.tenant, self.id))


class SetLimits(Order):
    """Both at once; what is left out is unlimited."""

    requests_per_minute: int | None = Field(default=None, ge=1)
    tokens_per_month: int | None = Field(default=None, ge=0)

    def run(self, credentials: PostgresCredentials) -> dict[str, Any]:
        limits = Limits(requests_per_minute=self.requests_per_minute, tokens_per_month=self.tokens_per_month)
        credentials.set_limits(self.tenant, limits)
        used = credentials.tokens_used(self.tenant)
        return {"tenant": self.tenant, **asdict(limits), "tokens_used": used}


_ORDERS: Final[Mapping[str, type[Order]]] = {
    "create_key": CreateKey,
    "list_keys": ListKeys,
    "revoke_key": RevokeKey,
    "set_limits": SetLimits,
}


def handler(
    event: Mapping[str, Any], context: Context, *, signer: Callable[[], TokenSigner] = RdsTokens
) -> dict[str, Any]:
    """Answers CDK's provider framework, or an operator's order, such as `{"list_keys": {"tenant": "acme"}}`.

    Create and Update migrate. The Update of a roll-back, which runs the older code, finds nothing to do, and
    Delete does nothing: the data outlives the stack. An exception is reported as a failure.
    https://docs.aws.amazon.com/cdk/api/v2/docs/aws-cdk-lib.custom_resources-readme.html
    """
    function = FunctionSettings()
    configure_structured_logging(service=function.function_service, namespace=function.metrics_namespace)
    if (order := _order(event)) is not None:
        return _patiently(context, lambda: _carry_out(order, _owner(signer)))
    if event.get("RequestType") not in {"Create", "Update", "Delete"}:
        raise InvalidRequest(f"The event is neither CloudFormation's nor an order: {', '.join(_ORDERS)}.")
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


def _order(event: Mapping[str, Any]) -> Order | None:
    name = next((name for name in event if name in _ORDERS), None)
    if name is None:
        return None
    try:
        order = _ORDERS[name].model_validate(event[name])
    except ValidationError as error:
        raise InvalidRequest(f"{name}: {error}") from error
    validate_tenant(order.tenant)
    return order


def _carry_out(order: Order, owner: Conninfo) -> dict[str, Any]:
    with closing(open_pool(owner, PoolSettings(max_size=1))) as pool:
        return order.run(PostgresCredentials(pool, partial(Session, pool)))


def _shown(key: ApiKey) -> dict[str, Any]:
    times = {name: value and value.isoformat() for name, value in _times_of(key).items()}
    return {"id": key.id, "tenant": key.tenant, "name": key.name, "scopes": [*map(str, key.scopes)], **times}


def _times_of(key: ApiKey) -> dict[str, datetime | None]:
    return {
        "created_at": key.created_at,
        "last_used_at": key.last_used_at,
        "revoked_at": key.revoked_at,
    }


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
