"""Ways to embed texts with Titan Text Embeddings V2: Acervo's, boto3 by hand, other libraries'.

`python -m bench.embedding_contenders NAME TEXTS` measures one and prints it as JSON. Bedrock is where
the environment says (AWS_ENDPOINT_URL_BEDROCK_RUNTIME).
"""

import asyncio
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from random import Random
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from rag.adapters.bedrock.embedder import BedrockEmbedder
from rag.adapters.bedrock.limiter import Limiter

MODEL: Final = "amazon.titan-embed-text-v2:0"
REGION: Final = "us-east-1"
QUOTA_PER_SECOND: Final = 50
# Characters of a chunk: about 120 English words.
WORDS: Final = 120

# Embeds the texts; how many vectors there are in the end.
Embed = Callable[[Sequence[str]], int]


def main() -> None:
    name, count = sys.argv[1], int(sys.argv[2])
    try:
        embed = CONTENDERS[name]()
    except ModuleNotFoundError as error:
        print(json.dumps({"missing": error.name}))
        return
    embed(["the first call pays for connections and lazy imports"])
    texts = chunks(count)
    started = time.perf_counter()
    embedded = embed(texts)
    print(json.dumps({"seconds": time.perf_counter() - started, "embedded": embedded}))


def chunks(count: int) -> list[str]:
    random = Random(3)
    vocabulary = ["".join(random.choices("abcdefghijklmnopqrstuvwxyz", k=5)) for _ in range(3000)]
    return [f"{number} {' '.join(random.choices(vocabulary, k=WORDS))}" for number in range(count)]


def _ours(requests_per_minute: float | None = None) -> Embed:
    embedder = BedrockEmbedder(MODEL, limiter=Limiter(requests_per_minute=requests_per_minute))
    return lambda texts: sum(bool(vector) for vector in embedder.embed_documents(texts))


def _boto3(threads: int, retries: Mapping[str, Any] | None = None) -> Embed:
    """What one writes first: a thread pool; what Bedrock refuses is lost."""
    config = Config(max_pool_connections=threads, retries=retries)
    client = boto3.client("bedrock-runtime", region_name=REGION, config=config)

    def one(text: str) -> bool:
        body = json.dumps({"inputText": text, "dimensions": 1024, "normalize": True})
        try:
            response = client.invoke_model(modelId=MODEL, body=body)
        except ClientError:
            return False
        return bool(json.loads(response["body"].read())["embedding"])

    def embed(texts: Sequence[str]) -> int:
        with ThreadPoolExecutor(threads) as pool:
            return sum(pool.map(one, texts))

    return embed


def _langchain() -> Embed:
    embeddings = import_module("langchain_aws").BedrockEmbeddings(model_id=MODEL, region_name=REGION)
    return lambda texts: len(embeddings.embed_documents(list(texts)))


def _langchain_async() -> Embed:
    embeddings = import_module("langchain_aws").BedrockEmbeddings(model_id=MODEL, region_name=REGION)
    return lambda texts: len(asyncio.run(embeddings.aembed_documents(list(texts))))


def _llama_index() -> Embed:
    library = import_module("llama_index.embeddings.bedrock")
    embedding = library.BedrockEmbedding(model_name=MODEL, region_name=REGION)
    return lambda texts: len(embedding.get_text_embedding_batch(list(texts)))


def _llama_index_async() -> Embed:
    library = import_module("llama_index.embeddings.bedrock")
    embedding = library.BedrockEmbedding(model_name=MODEL, region_name=REGION)
    return lambda texts: len(asyncio.run(embedding.aget_text_embedding_batch(list(texts))))


def _haystack() -> Embed:
    library = import_module("haystack_integrations.components.embedders.amazon_bedrock")
    document = import_module("haystack").Document
    embedder = library.AmazonBedrockDocumentEmbedder(model=MODEL, progress_bar=False)
    embedder.warm_up()
    return lambda texts: len(embedder.run(documents=[document(content=text) for text in texts])["documents"])


CONTENDERS: Final[Mapping[str, Callable[[], Embed]]] = {
    "acervo": _ours,
    "acervo, quota configured": lambda: _ours(60 * QUOTA_PER_SECOND),
    "boto3, 64 threads": lambda: _boto3(64),
    "boto3, 32 threads": lambda: _boto3(32),
    "boto3, 32 threads, standard retries": lambda: _boto3(32, {"mode": "standard", "max_attempts": 20}),
    "langchain embed_documents": _langchain,
    "langchain aembed_documents": _langchain_async,
    "llama-index batch": _llama_index,
    "llama-index async batch": _llama_index_async,
    "haystack document embedder": _haystack,
}


if __name__ == "__main__":
    main()
