"""Templates of the combinations, each synthesized once; skipped where CDK cannot run."""

import shutil
from collections.abc import Callable
from functools import cache

import pytest

from infra.settings import parse_settings
from tests.infra.combinations import COMBINATIONS
from tests.infra.template import Template

Synthesized = Callable[[str], Template]


def needs_cdk() -> None:
    pytest.importorskip("aws_cdk", reason="needs the dependency group infra")
    pytest.importorskip("cdk_nag", reason="needs the dependency group infra")
    if shutil.which("node") is None:
        pytest.skip("CDK needs node")


@pytest.fixture(scope="session")
def synthesized(tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    """Of a combination's name; checked by cdk-nag while it is made."""
    needs_cdk()
    from infra.stack import Bundles  # noqa: PLC0415 - where CDK is absent, the tests above must still be found
    from infra.synth import synthesize  # noqa: PLC0415 - the same

    @cache
    def of(name: str) -> Template:
        settings = parse_settings(COMBINATIONS[name], origin=name)
        return Template.read(synthesize(settings, Bundles.placeholder(), tmp_path_factory.mktemp(name)))

    return of


@pytest.fixture(scope="session")
def reference(synthesized: Synthesized) -> Template:
    return synthesized("reference")
