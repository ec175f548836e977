"""The readable pages of the API need nothing from outside, and let nothing from outside in."""

import re

import pytest

from app.api.documentation import POLICY
from tests.app.api.serving import Api


def test_the_page_names_nothing_outside(api: Api) -> None:
    page = api.client.get("/docs")
    assert page.status_code == 200
    assert page.headers["content-security-policy"] == POLICY
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(addresses) == 4
    for address in addresses:
        assert re.fullmatch(r"docs/[a-z.-]+", address)
        answer = api.client.get(f"/{address}")
        assert answer.status_code == 200, address
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert "<script>" not in page.text
    assert "style=" not in page.text


@pytest.mark.parametrize("name", ["docs/other.js", "docs/../etc", "docs/start.js/x"])
def test_there_is_nothing_else(api: Api, name: str) -> None:
    assert api.client.get(f"/{name}").status_code == 404


def test_the_description_is_not_in_itself(api: Api) -> None:
    document = api.client.get("/openapi.json").json()
    assert not [path for path in document["paths"] if path.startswith("/docs")]
    assert "CDN" not in document["info"]["description"]
