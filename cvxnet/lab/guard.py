"""Who may ask the server, how much, and how fast; and what its answers carry."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import socket
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from cvxnet.lab.question import REFUSED, Event, error_event
from cvxnet.optional import import_starlette

JSON, LINES = "application/json", "application/x-ndjson"
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data: blob:; style-src 'self'; object-src 'none'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
LOOPBACK = ("127.0.0.1", "localhost", "::1")
SLOW, LARGE, BUSY = 408, 413, 503


@dataclass(frozen=True)
class Limits:
    """What a server puts up with.

    Attributes
    ----------
    head, body : float
        Seconds in which the head of a request, and a question, have to arrive.
    write : float
        Seconds in which each piece of an answer has to leave.
    size : int
        Bytes of a question.
    requests : int
        How many are worked on at a time.
    waiting : int
        How many short questions, and how many long ones, wait for a worker.
    memory : int
        Bytes of data that a worker may have.
    """

    head: float = 10.0
    body: float = 10.0
    write: float = 30.0
    size: int = 5_000_000
    requests: int = 400
    waiting: tuple[int, int] = (200, 20)
    memory: int = 3 * 2**30


class UnreadError(Exception):
    """Nobody reads the answer."""


class Guard:
    """The door of an application: who comes in, and what answers carry.

    It lets in pages of this server, under its own name. On loopback these are the names of
    loopback; elsewhere also every numeric address, since whoever rebinds a name to this machine
    (DNS rebinding) comes by that name.

    Parameters
    ----------
    app : ASGI application
    host : str
        Where the server listens.
    limits : Limits
    """

    def __init__(self, app: Any, host: str, limits: Limits) -> None:
        self.app, self.limits = app, limits
        self.open = host not in LOOPBACK
        self.names = {*LOOPBACK, host.lower()}
        if self.open:
            self.names |= {socket.gethostname().lower(), socket.getfqdn().lower()}
        self.under_way = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        starlette = import_starlette()

        async def sent(message: Any) -> None:
            if message["type"] == "http.response.start":
                headers = starlette.MutableHeaders(scope=message)
                headers.update(HEADERS)
                if message["status"] == BUSY:
                    headers["Retry-After"] = "1"
                if message["status"] in (SLOW, LARGE):
                    headers["Connection"] = "close"
            try:
                async with asyncio.timeout(self.limits.write):
                    await send(message)
            except TimeoutError:
                raise UnreadError from None

        refusal = self.refusal(scope["method"], starlette.Headers(scope=scope))
        self.under_way += 1
        try:
            await (reply(refusal) if refusal else self.app)(scope, receive, sent)
        except UnreadError:
            pass
        finally:
            self.under_way -= 1

    def refusal(self, method: str, headers: Any) -> Event | None:
        """Why a request is refused; None where it is not."""
        if self.under_way >= self.limits.requests:
            return error_event("too many requests at a time; try again in a moment.", BUSY)
        host = headers.get("host", "")
        if not self.knows(host):
            return error_event("this server does not go by that name.", 403)
        site = headers.get("sec-fetch-site", "same-origin")
        foreign = headers.get("origin") not in (None, f"http://{host}")
        if foreign or (method == "POST" and site not in ("same-origin", "none")):
            return error_event("questions come from the page of this server only.", 403)
        if method == "POST" and headers.get("content-type", "").partition(";")[0].strip() != JSON:
            return error_event(f"a question has the content type {JSON}.", 415)
        return None

    def knows(self, host: str) -> bool:
        """Whether a Host header has a name of this server."""
        name = host.lower().rpartition(":")[0] if has_port(host) else host.lower()
        name = name.strip("[]")
        return name in self.names or (self.open and is_address(name))


async def question_of(request: Any, limits: Limits) -> dict[str, Any] | Event:
    """The question that a request has brought, a JSON object; or why it is refused."""
    try:
        async with asyncio.timeout(limits.body):
            body = await body_of(request, limits.size)
    except TimeoutError:
        return error_event(f"the question did not arrive within {limits.body:g} seconds.", SLOW)
    if body is None:
        return error_event(f"the question is larger than {limits.size} bytes.", LARGE)
    try:
        question = json.loads(body, parse_constant=refuse, object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        return error_event(f"the question is no JSON ({error}).", REFUSED)
    if not isinstance(question, dict):
        return error_event("the question is no JSON object.", REFUSED)
    return question


async def body_of(request: Any, most: int) -> bytes | None:
    """The body of a request; None where it is too large."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            return None
    return bytes(body)


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object, no name of which stands there twice."""
    if len(found := dict(pairs)) < len(pairs):
        raise ValueError("a name stands there twice")
    return found


def refuse(constant: str) -> None:
    """NaN and infinities are no JSON."""
    raise ValueError(f"{constant} is no number")


class Stream:
    """A response of one line an event; whoever leaves or does not read ends the work."""

    def __init__(self, events: AsyncGenerator[Event, None]) -> None:
        self.events = events

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        parts = {asyncio.create_task(self.write(send)), asyncio.create_task(left(receive))}
        try:
            done, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for part in parts:
                part.cancel()
            await asyncio.gather(*parts, return_exceptions=True)
        for part in done:
            part.result()

    async def write(self, send: Any) -> None:
        """Send each event when it comes."""
        headers = [(b"content-type", LINES.encode())]
        async with aclosing(self.events) as events:
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            async for event in events:
                body = event.line.encode()
                await send({"type": "http.response.body", "body": body, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


async def left(receive: Any) -> None:
    """Wait until nobody waits for the answer any longer."""
    while (await receive())["type"] != "http.disconnect":
        pass


def reply(event: Event) -> Any:
    """The response to a question that has a single answer."""
    text = event.text if event.kind == "answer" else event.line
    return import_starlette().Response(text, status_code=event.status, media_type=JSON)


def has_port(host: str) -> bool:
    """Whether a name is followed by a port.

    >>> [has_port(host) for host in ("localhost:80", "localhost", "[::1]:80", "[::1]")]
    [True, False, True, False]
    """
    return ":" in host.rpartition("]")[2]


def is_address(name: str) -> bool:
    """Whether this is a number, no name.

    >>> is_address("192.168.0.7"), is_address("example.org")
    (True, False)
    """
    try:
        return bool(ipaddress.ip_address(name))
    except ValueError:
        return False
