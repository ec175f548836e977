"""A short run of `python -m tests.fuzz`, which takes as many mutations as there is time for."""

import pytest

from ingestion.parse.reader import parse
from tests.fuzz import Run, fuzz, table
from tests.fuzz_seeds import Seed, made_seeds

MUTATIONS = 300


def test_damaged_files_become_texts_or_named_rejections() -> None:
    run = Run(seed=20261123, seeds=made_seeds(), seconds=10)
    fuzz(run, MUTATIONS)
    assert not [outcome for outcome in run.outcomes if outcome.broken], table(run.outcomes)
    assert sorted(outcome.number for outcome in run.outcomes) == list(range(MUTATIONS))


@pytest.mark.parametrize("seed", made_seeds(), ids=lambda seed: seed.name)
def test_every_file_is_whole_before_it_is_damaged(seed: Seed) -> None:
    assert "transação" in parse(seed.body, name=seed.name).text or seed.format in {"csv", "tsv", "xlsx"}


def test_a_mutation_is_made_again_from_its_number() -> None:
    first, second = (Run(seed=5, seeds=made_seeds(), seconds=10) for _ in range(2))
    assert [first.mutation(number)[1] for number in range(20)] == [
        second.mutation(number)[1] for number in range(20)
    ]
