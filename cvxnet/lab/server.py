"""The server: files of the page, and questions as JSON. It computes nothing itself."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from cvxnet.errors import InputError
from cvxnet.lab.guard import LOOPBACK, Guard, Limits, Stream, question_of, reply
from cvxnet.lab.question import Event, Question, error_event
from cvxnet.lab.workers import Lane, busy, prepare
from cvxnet.optional import import_starlette, import_uvicorn

PAGE = Path(__file__).parent / "page"
LIMITS = Limits()
Idle = dict[tuple[Any, Any], float]
"""Times by connection and its last request."""


def make_app(questions: Mapping[str, Question], host: str, limits: Limits = LIMITS) -> Any:
    """The application, for requests to this host."""
    starlette = import_starlette()
    prepare(questions)
    quick, slow = (Lane(2, waiting, limits.memory) for waiting in limits.waiting)

    async def answer(request: Any) -> Any:
        question = questions.get(request.path_params["name"])
        if question is None:
            return reply(error_event("there is no such question.", 404))
        fields = await question_of(request, limits)
        if isinstance(fields, Event):
            return reply(fields)
        if not question.long:
            return reply([event async for event in quick.events(question, fields)][-1])
        if slow.full:
            return reply(busy())
        return Stream(slow.events(question, fields))

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        warming = asyncio.create_task(quick.warm())
        yield
        warming.cancel()
        app.state.close()

    def close() -> None:
        quick.close()
        slow.close()

    app = starlette.Starlette(
        routes=[
            starlette.Route("/api/{name:path}", answer, methods=["POST"]),
            starlette.Mount("/", starlette.StaticFiles(directory=PAGE, html=True)),
        ],
        middleware=[starlette.Middleware(Guard, host=host, limits=limits)],
        lifespan=lifespan,
    )
    app.state.close = close
    return app


def serve(
    questions: Mapping[str, Question],
    host: str = LOOPBACK[0],
    port: int = 8321,
    ready: Callable[[str], object] = print,
    limits: Limits = LIMITS,
) -> None:
    """Serve the lab until interrupted; ``ready`` is called with its address.

    Parameters
    ----------
    questions : mapping
        What may be asked, by name.
    host : str
        Where to listen. Others than this machine itself reach the page only if this is said.
    port : int
        0: one that is free.
    ready : callable
        Is told the address when it can be opened.
    limits : Limits
        What is put up with.

    Raises
    ------
    InputError
        Where that address cannot be had.
    MissingExtraError
        Without Starlette and uvicorn.
    """
    uvicorn = import_uvicorn()
    app = make_app(questions, host, limits)
    listening = listen(host, port)
    shown = {"0.0.0.0": socket.gethostname(), "::": socket.gethostname()}.get(host, host)
    name = f"[{shown}]" if ":" in shown else shown
    ready(f"http://{name}:{listening.getsockname()[1]}/")
    config = uvicorn.Config(
        app, http="h11", ws="none", log_level="warning", timeout_graceful_shutdown=2
    )
    server = uvicorn.Server(config)

    async def run() -> None:
        watching = asyncio.create_task(watch(server, limits.head, app.state.close))
        await server.serve(sockets=[listening])
        watching.cancel()

    with suppress(KeyboardInterrupt):  # what Ctrl-C means here
        asyncio.run(run())


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there."""
    if not 0 <= port <= 65535:
        raise InputError(f"the port is {port}; expected a number from 0 to 65535.")
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise InputError(
            f"{host}:{port} cannot be listened on ({error.strerror}). Is another lab running? "
            "Choose another port: --port 0 takes one that is free."
        ) from None


async def watch(server: Any, head: float, close: Callable[[], None]) -> None:
    """Cut connections on which no request arrives in time; at the end, end the work first."""
    since: Idle = {}
    clock = asyncio.get_running_loop().time
    while not server.should_exit:
        since = idle_since(since, server.server_state.connections, clock())
        for (connection, _), begin in since.items():
            if clock() - begin > head:
                connection.transport.abort()
        await asyncio.sleep(min(0.2, 0.1 * head))
    close()


def idle_since(before: Idle, connections: Iterable[Any], now: float) -> Idle:
    """Since when connections have waited for the request after their last one."""
    idle = [(one, one.cycle) for one in connections if is_idle(one)]
    return {each: before.get(each, now) for each in idle}


def is_idle(connection: Any) -> bool:
    """Whether the server owes no answer on it, or has given up."""
    cycle = connection.cycle
    return cycle is None or cycle.response_complete or connection.transport.is_closing()
