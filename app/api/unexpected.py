"""What nobody foresaw ends as a 500 problem that tells nothing but the request id."""

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.problems import internal_problem, problem_response
from app.api.request_id import request_id_of
from rag.telemetry import logger


class UnexpectedErrors:
    """Inside the other middleware, unlike the framework's own, so that their headers are sent too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def noting_send(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, noting_send)
        except ClientDisconnect:
            logger.info("request %s: the client left before its body had come", request_id_of(scope))
        except Exception:
            request_id = request_id_of(scope)
            logger.exception("request %s failed", request_id)
            if started:
                raise
            await problem_response(internal_problem(request_id))(scope, receive, send)
