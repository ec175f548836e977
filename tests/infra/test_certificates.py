"""Amazon's certificates, which every bundle holds."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from infra.bundles.functions import FILES, FUNCTIONS
from infra.errors import DeploymentSettingsInvalid
from infra.settings import parse_settings
from tests.infra.conftest import needs_cdk

x509 = pytest.importorskip("cryptography.x509", reason="needs cryptography")

PEM = FILES / "certificates/rds.pem"
KINDS = ("RSA2048", "RSA4096", "ECC384")


def test_every_certificate_is_a_root_that_holds_for_another_year() -> None:
    certificates = x509.load_pem_x509_certificates(PEM.read_bytes())
    for certificate in certificates:
        certificate.verify_directly_issued_by(certificate)
        assert certificate.not_valid_before_utc < datetime.now(UTC)
        assert certificate.not_valid_after_utc > datetime.now(UTC) + timedelta(days=365)
    assert len(certificates) == len({certificate.serial_number for certificate in certificates})


def test_each_region_has_one_of_each_kind_and_says_so() -> None:
    certificates = x509.load_pem_x509_certificates(PEM.read_bytes())
    names = {certificate.subject.rfc4514_string().split(",")[1] for certificate in certificates}
    said = [line.split()[1:3] for line in PEM.read_text(encoding="utf-8").splitlines() if ", until " in line]
    regions = {region for region, _ in said}
    assert sorted(said) == sorted([region, f"{kind},"] for region, kind in product(regions, KINDS))
    assert names == {f"CN=Amazon RDS {region} Root CA {kind} G1" for region, kind in product(regions, KINDS)}


def test_every_bundle_holds_them() -> None:
    assert all("certificates/rds.pem" in function.files for function in FUNCTIONS.values())


def test_a_region_without_certificates_is_refused() -> None:
    needs_cdk()
    from aws_cdk import App  # noqa: PLC0415 - where CDK is absent, the tests above must still be found

    from infra.stack import AcervoStack, Bundles  # noqa: PLC0415 - the same

    models = {"generation": "bedrock:global.anthropic.claude-haiku-5-5"}
    settings = parse_settings({"region": "il-central-1", "models": models}, origin="the test")
    with pytest.raises(DeploymentSettingsInvalid, match="certificates of RDS in il-central-1"):
        AcervoStack(App(), settings=settings, bundles=Bundles.placeholder())
