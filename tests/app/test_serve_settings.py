"""`acervo serve` does not begin with a setting that the first request would stumble over."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("ACERVO_GENERATION", "banana", "Correct or unset ACERVO_GENERATION."),
        ("ACERVO_EMBEDDING", "banana", "Correct or unset ACERVO_EMBEDDING."),
        ("ACERVO_EMBEDDING_OTHERS", "banana", "Correct or unset ACERVO_EMBEDDING_OTHERS."),
        ("ACERVO_RERANKING", "banana", "Correct or unset ACERVO_RERANKING."),
        ("ACERVO_GUARD", "banana", "Correct or unset ACERVO_GUARD."),
        ("ACERVO_OCR", "banana", "ACERVO_OCR"),
        ("ACERVO_PARSER_SECONDS", "banana", "ACERVO_PARSER_SECONDS"),
    ],
)
def test_wrong_setting_is_refused_at_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str, value: str, said: str
) -> None:
    command = (sys.executable, "-m", "app.cli.main", "--data-dir", str(tmp_path), "serve", "--port", "8791")
    monkeypatch.setenv(setting, value)
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert said in done.stderr
    assert not (tmp_path / "postgres").exists()
