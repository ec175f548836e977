"""Named queries: each `.sql` file beside this module holds statements headed by `-- name: …`."""

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import LiteralString, cast

from psycopg.sql import SQL

_HEADING = re.compile(r"^-- name: (\w+)[^\n]*\n", re.MULTILINE)


@cache
def load(name: str) -> Mapping[str, SQL]:
    """The statements of `<name>.sql` by their names."""
    text = files(__name__).joinpath(f"{name}.sql").read_text(encoding="utf-8")
    _, *parts = _HEADING.split(text)
    statements = zip(parts[::2], parts[1::2], strict=True)
    # The files are part of the program: literal in every sense but the type checker's.
    return {heading: SQL(cast("LiteralString", body.strip())) for heading, body in statements}
