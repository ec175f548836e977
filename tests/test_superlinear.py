"""No pattern and no reader of text takes more than linear time, and those that do are found."""

import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from tests.superlinear import Target, _apply, measure
from tests.superlinear_patterns import ROOT, Found

_QUADRATIC = r"(?P<dots>[.!?…؟।]+)(?:[\"'”’»)\]}*_]|\[\w{1,8}\])*(?=\s|$)"


@pytest.mark.timeout(600)
def test_the_patterns_of_sentences_take_linear_time() -> None:
    """The whole search, `make superlinear`, takes minutes."""
    command = [
        sys.executable,
        "-m",
        "tests.superlinear",
        "--kind",
        "pattern",
        "--quick",
        "--only",
        "text/sentences",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_sentence_end_that_was_quadratic_is_found() -> None:
    found = Found(place="sentences.py", pattern=re.compile(_QUADRATIC), methods=frozenset({"finditer"}))
    target = Target(name="end", kind="pattern", run=partial(_apply, found, "finditer"), shapes=(".",))
    assert [each.superlinear for each in measure(target)] == [True]


def test_a_pattern_added_later_is_found_without_being_named(tmp_path: Path) -> None:
    for package in ("rag", "app", "ingestion"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("")
    (tmp_path / "rag" / "new.py").write_text('import re\n_NEW = re.compile("a+b")\n')
    (tmp_path / "app" / "new.py").write_text('import re\ndef f(t):\n    return re.search("c+d", t)\n')
    code = (
        "import sys, pathlib; import tests.superlinear_patterns as p; p.ROOT = pathlib.Path(sys.argv[1]);"
        "sys.path.insert(0, sys.argv[1]); sys.path = [x for x in sys.path if x];"
        "print([f.pattern.pattern for f in p.all_patterns().found])"
    )
    command = [sys.executable, "-c", f"import sys; sys.path.insert(1, {str(ROOT)!r});{code}", str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "['a+b', 'c+d']"
