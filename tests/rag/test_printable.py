"""What a name holds steers no terminal and forges no line of a log."""

import logging

from rag.telemetry.logs import PlainFormatter
from rag.text.printable import printable


def test_controls_are_written_as_escapes() -> None:
    assert printable("a\x1b[31m\x9b\u202e\udce9\nb") == r"a\x1b[31m\x9b\u202e\udce9\x0ab"


def test_a_name_forges_no_line_of_the_log() -> None:
    record = logging.LogRecord("acervo", logging.INFO, "", 0, "read %s", ("a\n2026 ERROR x\x1b[2J",), None)
    assert PlainFormatter("%(message)s").format(record) == r"read a\x0a2026 ERROR x\x1b[2J"
