"""`python -m infra.cost [settings.yaml]`: what a deployment costs idle, by question and by document."""

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from infra import prices
from infra.endpoints import called_services
from infra.errors import DeploymentSettingsInvalid
from infra.models import ModelReference
from infra.prices import HOURS_PER_MONTH, Price
from infra.settings import AuroraSettings, DeploymentSettings, RdsSettings, read_settings

_MILLION: Final = 1_000_000
_THOUSAND: Final = 1_000
_ALARMS: Final = 11
_FREE_ALARMS: Final = 10
_INSTANCES: Final = {"inferentia2": "ml.inf2.xlarge", "gpu": "ml.g6.xlarge"}


@dataclass(frozen=True, kw_only=True)
class Line:
    """`usd` is None where the price is not known here; `checked` as of the price."""

    resource: str
    usd: float | None
    checked: bool


@dataclass(frozen=True, kw_only=True)
class Load:
    """What a question and a document are taken to be; tokens, seconds, pages of a scan."""

    question_tokens: int = 30
    prompt_tokens: int = 3_000
    answer_tokens: int = 300
    answer_seconds: float = 3.0
    document_tokens: int = 5_000
    document_seconds: float = 3.0
    document_pages: int = 10


def monthly(settings: DeploymentSettings) -> list[Line]:
    """Nobody asks and nothing is ingested; an Aurora that may pause is asleep, SageMaker scaled in."""
    return [
        *_database(settings.database),
        *_network(settings),
        *_stream(settings),
        *_sagemaker(settings),
        _times("Secrets Manager: first password", prices.SECRET_MONTH),
        _times(f"CloudWatch: {_ALARMS} alarms, 10 free", prices.ALARM_MONTH, max(_ALARMS - _FREE_ALARMS, 0)),
        Line(resource="Lambda, API Gateway, SQS, S3: nothing while idle", usd=0, checked=True),
    ]


def thousand_questions(settings: DeploymentSettings, load: Load) -> list[Line]:
    models = settings.models.references()
    request = prices.REST_API_REQUEST if settings.api.streaming else prices.HTTP_API_REQUEST
    return [
        _tokens("Embedding of questions", models["embedding"], load.question_tokens * _THOUSAND),
        _tokens(
            "Generation" + (", if all is Bedrock's" if settings.sagemaker else ""),
            models["generation"],
            load.prompt_tokens * _THOUSAND,
            load.answer_tokens * _THOUSAND,
        ),
        *([_reranking(models["reranking"])] if "reranking" in models else []),
        *_running(settings.api.memory_mib, load.answer_seconds),
        _times("API Gateway", request, _THOUSAND),
    ]


def thousand_documents(settings: DeploymentSettings, load: Load) -> list[Line]:
    embedding = settings.models.references()["embedding"]
    return [
        _tokens("Embedding of chunks", embedding, load.document_tokens * _THOUSAND),
        *_recognition(settings, load),
        *_running(settings.ingestion.memory_mib, load.document_seconds),
        _times("SQS: sent, received, deleted", prices.QUEUE_REQUEST, 3 * _THOUSAND),
        _times("S3: puts", prices.BUCKET_WRITE, _THOUSAND),
    ]


def _recognition(settings: DeploymentSettings, load: Load) -> Iterator[Line]:
    if settings.ingestion.ocr == "textract":
        name = f"Textract, if all are scans of {load.document_pages} pages"
        yield _times(name, prices.TEXTRACT_PAGE, load.document_pages * _THOUSAND)


def _database(database: RdsSettings | AuroraSettings) -> Iterator[Line]:
    if isinstance(database, AuroraSettings):
        name = f"Aurora, {database.min_capacity:g} capacity units idle"
        hours = HOURS_PER_MONTH * database.min_capacity
        yield _times(name, prices.AURORA_CAPACITY_HOUR, hours)
        yield _times("Aurora storage, 1 GiB", prices.AURORA_GIB_MONTH)
        return
    copies = 2 if database.multi_az else 1
    hour = prices.INSTANCE_HOUR[database.instance]
    yield _times(f"RDS db.{database.instance} x {copies}", hour, copies * HOURS_PER_MONTH)
    storage = database.storage_gib * copies
    yield _times(f"RDS storage, {storage} GiB", prices.RDS_GIB_MONTH, storage)


def _network(settings: DeploymentSettings) -> Iterator[Line]:
    network = settings.network
    if network.nat:
        yield _times("NAT gateway", prices.NAT_HOUR, HOURS_PER_MONTH)
        yield _times("NAT gateway's address", prices.PUBLIC_ADDRESS_HOUR, HOURS_PER_MONTH)
        return
    for service in called_services(settings):
        name = f"Interface endpoint {service} in {network.endpoint_zones} zone(s)"
        yield _times(name, prices.ENDPOINT_HOUR, HOURS_PER_MONTH * network.endpoint_zones)


def _stream(settings: DeploymentSettings) -> Iterator[Line]:
    stream = settings.stream
    if not stream.enabled:
        return
    hours = HOURS_PER_MONTH * stream.shards
    yield _times(f"Kinesis, {stream.shards} shard(s)", prices.SHARD_HOUR, hours)
    if stream.retention_hours > 24:  # noqa: PLR2004 - a day is included
        yield _times("Kinesis, longer retention", prices.SHARD_HOUR_RETAINED, hours)


def _sagemaker(settings: DeploymentSettings) -> Iterator[Line]:
    chosen = settings.sagemaker
    if chosen is None:
        return
    instance = chosen.instance or _INSTANCES[chosen.kind]
    name = f"SageMaker {instance} x {chosen.min_instances}"
    price = prices.SAGEMAKER_HOUR.get(instance)
    if chosen.min_instances == 0:
        yield Line(resource=f"{name}, scaled in", usd=0, checked=True)
    elif price is None:
        yield Line(resource=name, usd=None, checked=False)
    else:
        yield _times(name, price, HOURS_PER_MONTH * chosen.min_instances)


def _running(memory_mib: int, seconds: float) -> list[Line]:
    used = memory_mib / 1024 * seconds * _THOUSAND
    return [
        _times(f"Lambda, {seconds:g} s of {memory_mib} MiB", prices.LAMBDA_GIB_SECOND, used),
        _times("Lambda requests", prices.LAMBDA_REQUEST, _THOUSAND),
    ]


def _tokens(name: str, model: ModelReference, tokens_in: int, tokens_out: int = 0) -> Line:
    resource = f"{name}: {model.name or model.provider}"
    if model.provider == "extractive":
        return Line(resource=resource, usd=0, checked=True)
    known = prices.TOKENS.get(model.foundation_model) if model.provider == "bedrock" else None
    if known is None:
        return Line(resource=resource, usd=None, checked=False)
    surcharge = 0 if model.geography in {None, "global"} else prices.GEOGRAPHY_SURCHARGE
    usd = (tokens_in * known[0] + tokens_out * known[1]) / _MILLION * (1 + surcharge)
    return Line(resource=resource, usd=usd, checked=True)


def _reranking(model: ModelReference) -> Line:
    price = prices.RERANKED_QUERY.get(model.name)
    usd = None if price is None else price * _THOUSAND
    return Line(resource=f"Reranking: {model.name}", usd=usd, checked=usd is not None)


def _times(resource: str, price: Price, count: float = 1) -> Line:
    return Line(resource=resource, usd=price.usd * count, checked=price.checked)


def table(title: str, lines: Sequence[Line]) -> str:
    """With the sum; a price that was not looked up has an asterisk."""
    total = sum(line.usd or 0 for line in lines)
    rows = [f"  {line.resource:<64} {_amount(line)}" for line in lines]
    unknown = any(line.usd is None for line in lines)
    return "\n".join(
        [title, *rows, f"  {'sum' + (' of what is known' if unknown else ''):<64} {total:10.2f}"]
    )


def _amount(line: Line) -> str:
    return "   unknown" if line.usd is None else f"{line.usd:10.2f}{'' if line.checked else ' *'}"


def report(settings: DeploymentSettings, load: Load) -> str:
    question = f"{load.prompt_tokens:,} tokens in, {load.answer_tokens:,} out"
    return "\n\n".join(
        [
            f"US dollars, us-east-1, prices of {prices.DATE}; * remembered, not looked up",
            table("Idle, a month", monthly(settings)),
            table(f"1,000 questions ({question})", thousand_questions(settings, load)),
            table(f"1,000 documents of {load.document_tokens:,} tokens", thousand_documents(settings, load)),
        ]
    )


def main(arguments: Iterable[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m infra.cost", description=__doc__)
    parser.add_argument("settings", nargs="?", type=Path, help="the deployment's settings (YAML)")
    for name in ("prompt_tokens", "answer_tokens", "document_tokens", "document_pages"):
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=getattr(Load(), name))
    chosen = parser.parse_args(None if arguments is None else list(arguments))
    try:
        settings = read_settings(chosen.settings) if chosen.settings else DeploymentSettings()
    except DeploymentSettingsInvalid as error:
        sys.exit(f"acervo: {error}")
    load = Load(
        prompt_tokens=chosen.prompt_tokens,
        answer_tokens=chosen.answer_tokens,
        document_tokens=chosen.document_tokens,
        document_pages=chosen.document_pages,
    )
    sys.stdout.write(report(settings, load) + "\n")


if __name__ == "__main__":
    main()
