"""What a deployed service must do, from the outside: documents in by every door, cited answers out."""

from pathlib import Path
from typing import Any, Final

from infra.bundles.functions import REPOSITORY
from tests.deploy.deployment import Client, ScenarioFailed, wait_for

DOCUMENTS: Final = REPOSITORY / "examples" / "documents"
# From a bucket's event to a document that is ready, on a machine that has other work too.
_READY_SECONDS: Final = 120
# As many attempts as the queue allows, each after its visibility timeout, twice.
_DEAD_SECONDS: Final = 180


def drop(client: Client, path: Path, key: str) -> None:
    """As `aws s3 cp` puts it."""
    bucket = client.service.outputs["Bucket"]
    client.service.deployment.client("s3").put_object(Bucket=bucket, Key=key, Body=path.read_bytes())


def wait_until_ready(client: Client, collection: str, key: str) -> dict[str, Any]:
    def ready() -> dict[str, Any] | None:
        document = client.document(collection, key)
        if document and document["status"] == "failed":
            raise ScenarioFailed(f"{collection}/{key} failed: {document['failure']}")
        return document if document and document["status"] == "ready" else None

    return wait_for(f"{collection}/{key} is ready", ready, seconds=_READY_SECONDS)


def finds(client: Client, query: str, key: str) -> bool:
    passages = client.post("/v1/search", {"query": query, "top_k": 5})["data"]
    return any(passage["document"]["key"] == key for passage in passages)


def expect_found(client: Client, query: str, key: str) -> None:
    if not finds(client, query, key):
        raise ScenarioFailed(f"{query!r} does not find {key}")


def expect_cited_answer(client: Client, question: str, key: str) -> dict[str, Any]:
    """Every quote stands in its document's text, character for character."""
    answer: dict[str, Any] = client.post("/v1/answers", {"question": question})
    cited = {citation["source"]["key"] for citation in answer["citations"]}
    if answer["status"] != "answered" or key not in cited:
        raise ScenarioFailed(f"{question!r}: {answer['status']}, cites {sorted(cited)}, not {key}")
    for citation in answer["citations"]:
        source = citation["source"]
        text = client.get(f"/v1/documents/{source['document_id']}/content", format="text").text
        if text[source["start"] : source["end"]] != citation["quote"]:
            raise ScenarioFailed(f"{question!r}: a quote of {source['key']} does not stand there")
    return answer


def remove(client: Client, key: str) -> None:
    """As `aws s3 rm` does."""
    bucket = client.service.outputs["Bucket"]
    client.service.deployment.client("s3").delete_object(Bucket=bucket, Key=key)


def wait_until_gone(client: Client, collection: str, key: str) -> None:
    def gone() -> bool | None:
        return client.document(collection, key) is None or None

    wait_for(f"{collection}/{key} is gone", gone, seconds=_READY_SECONDS)


def put_record(client: Client, collection: str, key: str, path: Path) -> None:
    stream = client.service.outputs["StreamName"]
    client.acervo("put-record", "--collection", collection, "--key", key, str(path), "--stream", stream)


def poison(client: Client) -> None:
    """A message that can never be read."""
    queue = client.service.outputs["QueueUrl"]
    client.service.deployment.client("sqs").send_message(QueueUrl=queue, MessageBody="no notification")


def wait_until_dead(client: Client, count: int) -> None:
    queue = client.service.outputs["DeadLetterQueueUrl"]
    sqs = client.service.deployment.client("sqs")

    def dead() -> bool | None:
        attribute = "ApproximateNumberOfMessages"
        attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=[attribute])["Attributes"]
        return int(attributes[attribute]) == count or None

    wait_for(f"{count} messages in the dead-letter queue", dead, seconds=_DEAD_SECONDS)


def redrive(client: Client) -> int:
    """How many messages went back."""
    outputs = client.service.outputs
    queues = ("--queue", outputs["QueueUrl"], "--dead-letter-queue", outputs["DeadLetterQueueUrl"])
    told = client.acervo("redrive", "--server", client.service.url, *queues)
    return int(told["messages"])


def largest_chunk(client: Client, collection: str) -> int:
    """Of the collection's chunking, in tokens."""
    found = client.get(f"/v1/collections/{collection}").raise_for_status().json()
    return int(found["chunking"]["max_tokens"])
