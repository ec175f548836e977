"""The combinations of options whose templates are checked, by name."""

from collections.abc import Mapping
from typing import Any, Final

MODEL: Final = "Qwen/Qwen3-4B-Instruct"
COMBINATIONS: Final[Mapping[str, Mapping[str, Any]]] = {
    "reference": {},
    "aurora": {"database": {"kind": "aurora"}, "stream": {"enabled": False}},
    "nat": {
        "network": {"nat": True},
        "tokens": {
            "issuer": "https://id.example.com",
            "audience": "acervo",
            "jwks_url": "https://id.example.com/jwks.json",
        },
    },
    "streaming": {"api": {"streaming": True, "cors_origins": ["https://app.example.com"]}},
    "inferentia2": {"sagemaker": {"kind": "inferentia2", "model": MODEL}},
    "gpu": {"sagemaker": {"kind": "gpu", "model": MODEL, "min_instances": 1}},
    "everything": {
        "region": "eu-west-1",
        "models": {
            "embedding": "sagemaker:vectors/bge-m3#bge-m3",
            "embedding_others": ["bedrock:cohere.embed-v4:0@512", "bedrock:amazon.titan-embed-text-v2:0"],
            "generation": "bedrock:eu.anthropic.claude-sonnet-5-5",
            "reranking": "bedrock:cohere.rerank-v3-5:0",
            "guard": "bedrock",
            "guardrail": "abc123:1",
        },
        "ingestion": {"ocr": "textract"},
        "source_buckets": ["other-documents"],
        "database": {"kind": "rds", "version": "18.3", "instance": "m7g.large", "multi_az": True},
        "network": {"zones": 3, "endpoint_zones": 2},
        "stream": {"shards": 2, "batches_per_shard": 2, "retention_hours": 48},
        "operations": {"alarm_email": "ops@example.com", "log_days": 90},
        "environment": {"ACERVO_MAX_DOCUMENT_BYTES": "1000000"},
    },
}
