"""uvicorn's settings for local mode."""

from functools import partial
from typing import Any, cast

import uvicorn
from starlette.types import ASGIApp

from app.serving.limits import ConnectionLimits, limits_of_this_process
from app.serving.logs import tame_logs
from app.serving.protocol import LimitedProtocol

# asyncio accepts so many at a time, and tries as often in a row where no descriptor is left.
BACKLOG = 512


def server_config(app: ASGIApp, *, limits: ConnectionLimits | None = None, **options: Any) -> uvicorn.Config:
    """With `limits`, else with those that fit the process's descriptors."""
    kept = limits or limits_of_this_process()
    protocol = cast("type[LimitedProtocol]", partial(LimitedProtocol, limits=kept))
    config = uvicorn.Config(
        app,
        http=protocol,
        ws="none",
        loop="app.serving.logs:new_event_loop",
        backlog=BACKLOG,
        h11_max_incomplete_event_size=kept.head_bytes,
        timeout_keep_alive=kept.idle_seconds,
        **options,
    )
    tame_logs()
    return config
