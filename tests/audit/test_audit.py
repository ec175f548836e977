"""The audit finds what it is made to find, in data of our own."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.audit import licences, vulnerabilities
from tests.audit.locks import Package, locked

LEFT_PAD = Package(ecosystem="npm", name="left-pad", version="1.0.0", licence="MIT")
OLD = Package(ecosystem="PyPI", name="old-library", version="0.1")


class Osv(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        queries = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["queries"]
        results = [{"vulns": [{"id": "GHSA-1"}]} if self._is_old(each) else {} for each in queries]
        body = json.dumps({"results": results}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _is_old(self, query: dict[str, Any]) -> bool:
        wanted = {"package": {"ecosystem": "PyPI", "name": "old-library"}, "version": "0.1"}
        return query == wanted

    def log_message(self, *_: Any) -> None:
        """Silence."""


@pytest.fixture
def osv() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Osv)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_vulnerable_version_is_found(osv: str) -> None:
    assert vulnerabilities.known([LEFT_PAD, OLD], address=osv) == ["old-library 0.1: GHSA-1"]


def test_a_database_that_does_not_answer_is_an_error() -> None:
    with pytest.raises(OSError, match="refused"):
        vulnerabilities.known([OLD], address="http://127.0.0.1:9")


@pytest.mark.parametrize(
    "licence",
    [
        "GPL-3.0-only",
        "AGPL-3.0",
        "GNU General Public License v2 (GPLv2)",
        "GNU Affero",
        "Commons Clause",
        "MIT AND SSPL-1.0",
    ],
)
def test_other_licences_are_found(licence: str) -> None:
    assert len(licences.problems([OLD], {OLD.name: licence})[0]) == 1


@pytest.mark.parametrize(
    "licence", ["MIT", "BSD-3-Clause", "License :: OSI Approved :: Apache Software License"]
)
def test_permissive_licences_pass(licence: str) -> None:
    assert licences.problems([OLD, LEFT_PAD], {OLD.name: licence}) == ([], [])


def test_what_is_not_installed_is_said() -> None:
    assert licences.problems([OLD], {}) == ([], ["old-library"])


def test_every_lock_is_read(tmp_path: Path) -> None:
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements/a.txt").write_text(
        "Old_Library[x]==0.1 ; python_version > '3' \\\n    --hash=sha256:00\n"
    )
    (tmp_path / "web/cdk").mkdir(parents=True)
    lock = {"packages": {"": {}, "node_modules/left-pad": {"version": "1.0.0", "license": "MIT"}}}
    (tmp_path / "web/cdk/package-lock.json").write_text(json.dumps(lock))
    assert locked(tmp_path) == [OLD, LEFT_PAD]


def test_our_locks_hold_only_licences_that_we_accept() -> None:
    packages = locked()
    assert {each.ecosystem for each in packages} == {"PyPI", "npm"}
    findings, unknown = licences.problems(packages, licences.installed())
    assert findings == []
    assert len(unknown) < len(packages) / 2
