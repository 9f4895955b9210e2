"""The server: files of the page, and questions as JSON. It computes nothing itself."""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from cvxnet.errors import InputError
from cvxnet.lab.exhibits import QUESTIONS
from cvxnet.lab.question import REFUSED, Event, Question, error_event
from cvxnet.lab.workers import Lane
from cvxnet.optional import import_starlette, import_uvicorn

PAGE = Path(__file__).parent / "page"
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
MOST_BYTES = 4_000_000
"""Of a question."""
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
JSON, LINES = "application/json", "application/x-ndjson"


def make_app(hosts: tuple[str, ...] = LOOPBACK) -> Any:
    """The application, for requests to these host names."""
    starlette = import_starlette()
    quick, slow = Lane(workers=2, waiting=200), Lane(workers=2, waiting=20)

    async def answer(request: Any) -> Any:
        question = QUESTIONS.get(request.path_params["name"])
        if question is None:
            return reply(error_event("there is no such question.", 404))
        try:
            fields = await fields_of(request)
        except InputError as error:
            return reply(error_event(str(error), REFUSED))
        if question.long:
            return starlette.StreamingResponse(lines(question, fields), media_type=LINES)
        events = [event async for event in quick.events(question, fields)]
        return reply(events[-1])

    async def lines(question: Question, fields: dict[str, Any]) -> AsyncIterator[str]:
        async for event in slow.events(question, fields):
            yield event.line

    def reply(event: Event) -> Any:
        text = event.text if event.kind == "answer" else event.line
        return starlette.Response(text, status_code=event.status, media_type=JSON)

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        yield
        quick.close()
        slow.close()

    return starlette.Starlette(
        routes=[
            starlette.Route("/api/{name:path}", answer, methods=["POST"]),
            starlette.Mount("/", starlette.StaticFiles(directory=PAGE, html=True)),
        ],
        middleware=[starlette.Middleware(Guard, hosts=hosts)],
        lifespan=lifespan,
    )


async def fields_of(request: Any) -> dict[str, Any]:
    """The question that a request has brought, a JSON object of bounded size."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            raise InputError(f"the question is larger than {MOST_BYTES} bytes.")
    try:
        fields = json.loads(bytes(body))
    except (ValueError, RecursionError):
        raise InputError("the question is no JSON.") from None
    if not isinstance(fields, dict):
        raise InputError("the question is no JSON object.")
    return fields


class Guard:
    """Who may ask: pages of this server, under its own name. All answers carry `HEADERS`."""

    def __init__(self, app: Any, hosts: tuple[str, ...]) -> None:
        self.app, self.hosts = app, hosts

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        starlette = import_starlette()
        headers = starlette.Headers(scope=scope)

        async def send_with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                starlette.MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        why = self.obstacle(scope["method"], headers)
        if why:
            event = error_event(why, 403)
            refusal = starlette.Response(event.line, status_code=403, media_type=JSON)
            await refusal(scope, receive, send_with_headers)
        else:
            await self.app(scope, receive, send_with_headers)

    def obstacle(self, method: str, headers: Any) -> str:
        """Why a request is refused; empty where it is not."""
        host = headers.get("host", "")
        if host.rpartition(":")[0] not in self.hosts and host not in self.hosts:
            return "this server does not go by that name."
        if headers.get("origin") not in (None, f"http://{host}"):
            return "questions come from the page of this server only."
        if method == "POST" and headers.get("content-type", "").partition(";")[0] != JSON:
            return f"questions are {JSON}."
        return ""


def serve(
    host: str = "127.0.0.1", port: int = 8321, ready: Callable[[str], object] = print
) -> None:
    """Serve the lab until interrupted; ``ready`` is called with its address.

    Parameters
    ----------
    host : str
        Where to listen. Others than this machine itself reach the page only if this is said.
    port : int
        0: one that is free.

    Raises
    ------
    InputError
        Where that address cannot be had.
    MissingExtraError
        Without Starlette and uvicorn.
    """
    uvicorn = import_uvicorn()
    app = make_app((*LOOPBACK, host))
    try:
        listening = socket.create_server((host, port))
    except OSError as error:
        raise InputError(
            f"{host}:{port} cannot be listened on ({error.strerror}). Choose another --port."
        ) from None
    ready(f"http://{host}:{listening.getsockname()[1]}/")
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=2)
    uvicorn.Server(config).run(sockets=[listening])
