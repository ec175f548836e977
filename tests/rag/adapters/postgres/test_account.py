"""The user the embedded server runs as: what others of this machine can do to it, tried as root."""

import os
import pwd
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from rag.adapters.postgres.embedded import EmbeddedServer

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to change the user")
CAP_DAC_READ_SEARCH = 1 << 2
# Asks for the password in the clear (3), as PostgreSQL's protocol does, and prints what came.
FAKE = """
import os, socket, struct, sys
os.setgroups([]); os.setgid(int(sys.argv[2])); os.setuid(int(sys.argv[2]))
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1]); listener.listen(); os.chmod(sys.argv[1], 0o777)
print("listening", flush=True)
while True:
    peer, _ = listener.accept()
    peer.recv(4096)
    peer.sendall(b"R" + struct.pack("!ii", 8, 3))
    print(peer.recv(4096), flush=True)
    peer.close()
"""


def capabilities(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    found = [int(value, 16) for value in re.findall(r"Cap(?:Inh|Prm|Eff|Amb):\s*(\w+)", status)]
    return max(found)


def postmaster(data_dir: Path) -> int:
    return int((data_dir / "postgres/data/postmaster.pid").read_text().split()[0])


def owner(pid: int) -> int:
    return Path(f"/proc/{pid}").stat().st_uid


def socket_directory(conninfo: str) -> Path:
    return Path(str(conninfo_to_dict(conninfo)["host"]))


@AS_ROOT
def test_server_runs_as_a_user_of_its_own_with_reading_at_most(tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path, sync=False):
        pid = postmaster(tmp_path)
        assert owner(pid) not in {0, pwd.getpwnam("nobody").pw_uid}
        assert capabilities(pid) in {0, CAP_DAC_READ_SEARCH}


@AS_ROOT
def test_socket_directory_is_the_starters_and_closed_to_the_server(tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path, sync=False) as server:
        found = socket_directory(server.start()).stat()
        assert found.st_uid == os.geteuid()
        assert stat.S_IMODE(found.st_mode) == 0o700
        command = ("touch", str(socket_directory(server.start()) / "mine"))
        refused = subprocess.run(command, user=owner(postmaster(tmp_path)), group=0, check=False)
        assert refused.returncode


def test_who_fakes_the_socket_gets_no_password(tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path / "data", sync=False) as server:
        conninfo = server.start()
    shared = Path(tempfile.mkdtemp())  # tmp_path is closed to the other user
    shared.chmod(0o777)
    try:
        user = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else os.geteuid()
        command = [sys.executable, "-c", FAKE, str(shared / ".s.PGSQL.5432"), str(user)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as fake:
            assert fake.stdout is not None
            assert fake.stdout.readline() == "listening\n"
            try:
                with pytest.raises(psycopg.OperationalError, match="authentication"):
                    psycopg.connect(make_conninfo(conninfo, host=str(shared)), connect_timeout=10)
                assert fake.stdout.readline().strip() == "b''"
            finally:
                fake.kill()
    finally:
        shutil.rmtree(shared)


@AS_ROOT
def test_directory_of_an_earlier_version_is_taken_over_from_nobody(tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path, sync=False) as server, psycopg.connect(server.start()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS number")
    data = tmp_path / "postgres" / "data"
    nobody = pwd.getpwnam("nobody")
    for path in (data, *data.rglob("*")):
        os.chown(path, nobody.pw_uid, nobody.pw_gid, follow_symlinks=False)
    with EmbeddedServer(tmp_path, sync=False) as server, psycopg.connect(server.start()) as connection:
        assert connection.execute("SELECT number FROM kept").fetchone() == (42,)
        assert {path.lstat().st_uid for path in (data, *data.rglob("*"))} == {owner(postmaster(tmp_path))}
