from typing import Any

import pytest

from infra import cost, prices
from infra.settings import DeploymentSettings, parse_settings


def settings(**values: Any) -> DeploymentSettings:
    return parse_settings(values, origin="the test")


def idle(**values: Any) -> float:
    return sum(line.usd or 0 for line in cost.monthly(settings(**values)))


def test_every_option_costs_what_it_adds() -> None:
    reference = idle()
    assert reference - idle(stream={"enabled": False}) == pytest.approx(prices.SHARD_HOUR.usd * 730)
    assert idle(network={"endpoint_zones": 2}) - reference == pytest.approx(7.30)
    assert idle(database={"kind": "aurora"}) < reference
    assert idle(database={"kind": "rds", "multi_az": True}) > reference
    assert idle(network={"nat": True}) > reference
    assert idle(sagemaker={"kind": "gpu", "model": "a/model", "min_instances": 1}) > reference + 500


def test_scaled_in_costs_an_endpoint_only() -> None:
    added = idle(sagemaker={"kind": "inferentia2", "model": "a/model"}) - idle()
    assert added == pytest.approx(prices.ENDPOINT_HOUR.usd * prices.HOURS_PER_MONTH)


def test_scans_cost_by_the_page_and_an_endpoint() -> None:
    plain, scanned = settings(), settings(ingestion={"ocr": "textract"})
    assert idle(ingestion={"ocr": "textract"}) - idle() == pytest.approx(
        prices.ENDPOINT_HOUR.usd * prices.HOURS_PER_MONTH
    )
    load = cost.Load(document_pages=4)
    before = {line.resource for line in cost.thousand_documents(plain, load)}
    (added,) = [line for line in cost.thousand_documents(scanned, load) if line.resource not in before]
    assert added.usd == pytest.approx(4_000 * prices.TEXTRACT_PAGE.usd)


def test_questions_cost_by_model_and_tokens() -> None:
    load = cost.Load(prompt_tokens=1_000, answer_tokens=100)
    generation = cost.thousand_questions(settings(), load)[1]
    # 1 million tokens at $0.10 and 100,000 at $0.50 a million, 10 % more for a geography.
    assert generation.usd == pytest.approx((0.10 + 0.05) * 1.1)
    anywhere = settings(models={"generation": "bedrock:global.anthropic.claude-haiku-5-5"})
    assert cost.thousand_questions(anywhere, load)[1].usd == pytest.approx(0.15)


def test_what_has_no_known_price_is_said_to_be_unknown() -> None:
    own = settings(models={"generation": "bedrock:meta.llama9"})
    report = cost.report(own, cost.Load())
    assert "unknown" in report
    assert "sum of what is known" in report


def test_the_command_prints_the_prices_date(capsys: pytest.CaptureFixture[str]) -> None:
    cost.main([])
    printed = capsys.readouterr().out
    assert prices.DATE in printed
    assert "1,000 documents" in printed


def test_the_command_names_a_wrong_file(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match=r"nothing\.yaml"):
        cost.main(["nothing.yaml"])
    assert capsys.readouterr().out == ""
