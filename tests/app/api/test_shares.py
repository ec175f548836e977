"""One tenant's share of the server: what is beyond it waits, and the others do not."""

import asyncio
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from app.api.shares import Share, TenantShares
from rag.domain.credentials import Principal
from rag.domain.credentials import Scope as Permission
from rag.errors import TenantBusy


class Handler:
    """An application whose requests end when the test says so."""

    def __init__(self) -> None:
        self.running: list[str] = []
        self.most = 0
        self.go_on = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        message = await receive()
        if message["type"] == "http.disconnect":
            await send({"type": "http.response.start", "status": 400, "headers": []})
            return
        self.running.append(scope["state"]["principal"].tenant)
        self.most = max(self.most, len(self.running))
        await self.go_on.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        self.running.remove(scope["state"]["principal"].tenant)


async def request(app: TenantShares, tenant: str, *, length: str = "2") -> int:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"{}", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    principal = Principal(tenant=tenant, scopes=frozenset(Permission))
    scope: dict[str, Any] = {
        "type": "http",
        "method": "POST",
        "path": "/v1/search",
        "headers": [(b"content-length", length.encode())],
        "state": {"principal": principal, "request_id": "req_1"},
    }
    await app(scope, receive, send)
    (status,) = (message["status"] for message in sent if message["type"] == "http.response.start")
    return int(status)


def shares(handler: Handler, **limits: Any) -> TenantShares:
    given = {"spending": lambda _: False, "waits": lambda: False, "at_once": 2, "wait_seconds": 30}
    return TenantShares(handler, **{**given, **limits})


@pytest.mark.parametrize("length", ["2", "0"])
def test_one_tenant_waits_for_its_own_requests_alone(length: str) -> None:
    async def story() -> None:
        handler = Handler()
        app = shares(handler)
        greedy = [asyncio.create_task(request(app, "greedy", length=length)) for _ in range(5)]
        await asyncio.sleep(0.01)
        other = asyncio.create_task(request(app, "other", length=length))
        await asyncio.sleep(0.01)
        assert sorted(handler.running) == ["greedy", "greedy", "other"]
        handler.go_on.set()
        assert await asyncio.gather(*greedy, other) == [200] * 6
        assert handler.most <= 3

    asyncio.run(story())


def test_who_waits_too_long_or_behind_too_many_is_told_so() -> None:
    async def story() -> None:
        handler = Handler()
        app = shares(handler, at_once=1, most_waiting=1, wait_seconds=0.05)
        requests = [asyncio.create_task(request(app, "greedy")) for _ in range(3)]
        await asyncio.sleep(0.2)
        handler.go_on.set()
        assert sorted(await asyncio.gather(*requests)) == [200, 429, 429]
        assert await request(app, "greedy") == 200

    asyncio.run(story())


def test_a_place_given_to_who_left_is_not_lost() -> None:
    async def story() -> None:
        share = Share(lambda: 1, most_waiting=5, seconds=30)
        await share.take()
        waiting = asyncio.create_task(share.take())
        await asyncio.sleep(0)
        share.give_back()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await asyncio.wait_for(share.take(), 1)
        with pytest.raises(TenantBusy):
            await Share(lambda: 0, most_waiting=0, seconds=1).take()

    asyncio.run(story())


def test_a_tenant_has_more_places_while_no_other_asks() -> None:
    async def story() -> None:
        handler = Handler()
        app = shares(handler, at_once=3, beside_others=1)
        alone = [asyncio.create_task(request(app, "greedy")) for _ in range(4)]
        await asyncio.sleep(0.01)
        assert handler.running == ["greedy"] * 3
        other = asyncio.create_task(request(app, "other"))
        await asyncio.sleep(0.01)
        beside = [asyncio.create_task(request(app, "greedy")) for _ in range(4)]
        handler.go_on.set()
        assert await asyncio.gather(*alone, other, *beside) == [200] * 9

    asyncio.run(story())


@pytest.mark.parametrize("waits", [False, True])
def test_what_is_generated_holds_its_place_to_its_end(*, waits: bool) -> None:
    """A stream's answer begins before its generation, which computes or takes a place at the models."""

    class Streaming(Handler):
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            await receive()
            await send({"type": "http.response.start", "status": 200, "headers": []})
            self.running.append(scope["state"]["principal"].tenant)
            await self.go_on.wait()

    async def story() -> None:
        handler = Streaming()
        app = shares(handler, spending=lambda _: True, waits=lambda: waits, model_calls_at_once=3)
        streams = [asyncio.create_task(request(app, "greedy")) for _ in range(5)]
        await asyncio.sleep(0.01)
        assert len(handler.running) == (3 if waits else 2)
        handler.go_on.set()
        assert await asyncio.gather(*streams) == [200] * 5

    asyncio.run(story())
