"""Whether an AWS account can run a deployment, check by check: what is missing, and what to do about it."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

from app.checks import Check
from rag.domain.account import Identity, ModelAccess, Quota
from rag.errors import AcervoError, SettingInvalid

# Those of infra/settings.py, of which a deployment chooses one.
ENGINES: Final = ("postgres", "aurora-postgresql")
ENGINE_VERSIONS: Final = ("17.9", "18.3")
# What the API of the smallest database reserves, and what Lambda keeps unreserved.
LEAST_CONCURRENCY: Final = 24 + 100
# The stack's own choices for `sagemaker` (infra/sagemaker.py).
ENDPOINT_INSTANCES: Final = ("ml.inf2.xlarge", "ml.g6.xlarge")

_PROFILE: Final = re.compile(r"(global|us|eu|apac|au|jp)\.(.+)")
_SCOPES: Final = {None: "on-demand", "global": "global cross-region"}
_CONSOLE: Final = "in the Service Quotas console"
_CREDENTIALS: Final = "Run `aws configure` or set AWS_PROFILE; `aws sts get-caller-identity` must answer."


class Account(Protocol):
    """Questions to AWS; each may raise SettingInvalid (refused) and Unavailable (not reached)."""

    def region(self) -> str: ...
    def identity(self) -> Identity: ...
    def model_access(self, model_id: str) -> ModelAccess: ...
    def profile_regions(self, profile_id: str) -> tuple[str, ...]: ...
    def quotas(self, service: str) -> Sequence[Quota]: ...
    def offers_engine(self, engine: str, version: str) -> bool: ...
    def concurrent_functions(self) -> int: ...


@dataclass(frozen=True, kw_only=True)
class Model:
    """A model of Bedrock as a setting names it; `profile` is the geography of its inference profile."""

    id: str

    @property
    def base(self) -> str:
        found = _PROFILE.fullmatch(self.id)
        return found[2] if found else self.id

    @property
    def profile(self) -> str | None:
        found = _PROFILE.fullmatch(self.id)
        return found[1] if found else None


def bedrock_models(*settings: str) -> tuple[Model, ...]:
    """Of `bedrock:<model id>[@<dimensions>]`; other providers' need no check here."""
    ids = [setting.removeprefix("bedrock:") for setting in settings if setting.startswith("bedrock:")]
    return tuple(Model(id=re.sub(r"@\d+$", "", each)) for each in dict.fromkeys(ids))


def checks(account: Account, models: Sequence[Model], *, instance: str | None) -> Iterator[Check]:
    """`instance`: the type that an endpoint of SageMaker is wanted on; None: none is wanted."""
    credentials = _asked("credentials", lambda: _identity(account), _CREDENTIALS)
    region = _region(account.region())
    yield from (region, credentials) if not region.ok else (credentials, region)
    if not (credentials.ok and region.ok):
        return
    quotas = _Quotas(account)
    for model in models:
        yield from _model(account, model, quotas)
    for engine in ENGINES:
        yield _asked(f"database {engine}", partial(_engine, account, engine), _allow("rds"))
    yield _asked("Lambda concurrency", lambda: _concurrency(account), _allow("lambda"))
    yield _asked("SageMaker instances", lambda: _instances(quotas, instance), _allow("servicequotas"))


def _asked(name: str, ask: Callable[[], Check], advice: str) -> Check:
    """The check, or what AWS said in place of an answer."""
    try:
        return ask()
    except AcervoError as error:
        return Check(name=name, ok=False, detail=error.detail, advice=advice)


def _allow(service: str) -> str:
    return f"Let these credentials read {service} (docs/operations.md lists the permissions), or try later."


def _identity(account: Account) -> Check:
    found = account.identity()
    return Check(name="credentials", ok=True, detail=f"account {found.account}, {found.arn}")


def _region(region: str) -> Check:
    advice = "Set AWS_DEFAULT_REGION to the region of the deployment."
    return Check(name="region", ok=bool(region), detail=region or "none is configured", advice=advice)


class _Quotas:
    """Asked once for each service: AWS lists a hundred at a time."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._known: dict[str, Sequence[Quota]] = {}

    def of(self, service: str) -> Sequence[Quota]:
        if service not in self._known:
            self._known[service] = self._account.quotas(service)
        return self._known[service]


def _model(account: Account, model: Model, quotas: _Quotas) -> Iterator[Check]:
    name = f"model {model.base}"
    try:
        access = account.model_access(model.base)
    except AcervoError as error:
        yield Check(name=name, ok=False, detail=error.detail, advice=_no_model(model))
        return
    yield _access(name, model, access)
    if model.profile is not None:
        profile = f"inference profile {model.id}"
        advice = (
            "Name a profile of this region's geography, such as us.<model>, eu.<model> or global.<model>."
        )
        yield _asked(profile, lambda: _profile(account, model, profile, advice), advice)
    quota = f"quota of {model.id}"
    yield _asked(quota, lambda: _quota(quotas, model, access, quota), _allow("servicequotas"))


def _no_model(model: Model) -> str:
    return f"Check the id: `aws bedrock list-foundation-models` must show {model.base}. {_allow('bedrock')}"


def _access(name: str, model: Model, access: ModelAccess) -> Check:
    lacking = {
        "the region does not have it: choose another region, or an inference profile": not access.in_region
        and model.profile is None,
        "its agreement is not accepted: Bedrock console, Model access": not access.agreed,
        "the account has no access: request it in the Bedrock console, Model access": not access.entitled,
        "these credentials may not call it: allow bedrock:InvokeModel, and look for a service control"
        " policy": not access.authorized,
    }
    problems = [advice for advice, applies in lacking.items() if applies]
    said = f"{access.name}{' (legacy: choose a newer one)' if access.legacy else ''}"
    detail = f"{said} cannot be called" if problems else f"{said} can be called"
    return Check(name=name, ok=not problems, detail=detail, advice="; ".join(problems))


def _profile(account: Account, model: Model, name: str, advice: str) -> Check:
    regions = account.profile_regions(model.id)
    detail = f"sends calls to {', '.join(regions)}" if regions else "is not active"
    return Check(name=name, ok=bool(regions), detail=detail, advice=advice)


def _quota(quotas: _Quotas, model: Model, access: ModelAccess, name: str) -> Check:
    """Requests, tokens or both by the minute: AWS has changed which of them it sets."""
    scope = _SCOPES.get(model.profile, "cross-region")
    wanted = re.compile(rf"{scope} .*per minute for .*{re.escape(access.name)}( v\d+)?", re.IGNORECASE)
    found = [quota for quota in quotas.of("bedrock") if wanted.fullmatch(quota.name)]
    if not found:
        detail = f"Service Quotas lists none by the minute for {access.name} ({scope})"
        return Check(name=name, ok=True, detail=detail)
    empty = [quota for quota in found if quota.value <= 0]
    return Check(
        name=name,
        ok=not empty,
        detail="; ".join(f"{_number(quota.value)} {_unit(quota.name)} per minute" for quota in found),
        advice="; ".join(map(_raise, empty)),
    )


def _unit(name: str) -> str:
    return "requests" if "requests per minute" in name.lower() else "tokens"


def _number(value: float) -> str:
    return f"{value:,.0f}"


def _raise(quota: Quota) -> str:
    """What to do about a quota that is too small."""
    if quota.adjustable:
        return f"Request an increase of {quota.name!r} ({quota.code}) {_CONSOLE}"
    return f"{quota.name!r} ({quota.code}) is not adjustable: ask AWS Support, or use another model"


def _engine(account: Account, engine: str) -> Check:
    offered = [version for version in ENGINE_VERSIONS if account.offers_engine(engine, version)]
    missing = [version for version in ENGINE_VERSIONS if version not in offered]
    return Check(
        name=f"database {engine}",
        ok=bool(offered),
        detail=f"{', '.join(offered) or 'no version'} offered"
        + (f", {', '.join(missing)} not" if missing else ""),
        advice="Choose another region: this one has no version that the stack deploys.",
    )


def _concurrency(account: Account) -> Check:
    free = account.concurrent_functions()
    return Check(
        name="Lambda concurrency",
        ok=free >= LEAST_CONCURRENCY,
        detail=f"{free:,} functions at once that none reserves",
        advice=f"Request more concurrent executions {_CONSOLE} (at least {LEAST_CONCURRENCY}), or deploy with"
        " api.reserve_concurrency: false.",
    )


def _instances(quotas: _Quotas, instance: str | None) -> Check:
    """Without a wanted instance it is told, and nothing fails: an endpoint is an option."""
    types = (instance,) if instance else ENDPOINT_INSTANCES
    found = {quota.name: quota for quota in quotas.of("sagemaker")}
    asked = {each: found.get(f"{each} for endpoint usage") for each in types}
    if instance and asked[instance] is None:
        raise SettingInvalid(f"Service Quotas knows no instance type {instance!r} for endpoints.")
    told = [f"{_number(quota.value)} of {each}" for each, quota in asked.items() if quota]
    lacking = [quota for quota in asked.values() if quota and quota.value < 1]
    return Check(
        name="SageMaker instances",
        ok=not (instance and lacking),
        detail=", ".join(told) + ("" if instance else "; needed only for an endpoint of one's own"),
        advice="; ".join(map(_raise, lacking)),
    )
