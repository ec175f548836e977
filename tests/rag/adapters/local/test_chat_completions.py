"""What servers of chat completions say when a prompt is too long."""

import pytest

from rag.adapters.local.chat_completions import context_too_long
from rag.errors import ContextTooLong

OPENAI = '{"error": {"message": "Your input exceeds the limit", "code": "context_length_exceeded"}}'
VLLM = "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens"
VLLM_LIMIT = "max_tokens=10000000 cannot be greater than max_model_len=max_total_tokens=40960."
LLAMA_CPP = '{"error":{"code":400,"type":"exceed_context_size_error","n_ctx":4096}}'
TGI = "`inputs` tokens + `max_new_tokens` must be <= 2048. Given: 3000 `inputs` tokens"


@pytest.mark.parametrize("said", [OPENAI, VLLM, VLLM_LIMIT, LLAMA_CPP, TGI])
def test_too_long_a_prompt_is_the_caller_s_to_change(said: str) -> None:
    assert isinstance(context_too_long(said), ContextTooLong)


@pytest.mark.parametrize("said", ["", "messages must not be empty", "temperature: context"])
def test_other_refusals_are_not_that(said: str) -> None:
    assert context_too_long(said) is None
