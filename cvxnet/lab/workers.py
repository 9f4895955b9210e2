"""Worker processes: the server itself computes nothing, so that nothing makes it wait.

A question is answered in a process of its own that is kept for the next one. Who no longer wants
the answer, or has waited too long, has the process killed; another takes its place.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import signal
from collections.abc import AsyncGenerator, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from importlib.util import find_spec
from multiprocessing.connection import Connection
from typing import Any

from cvxnet.lab.question import FAILED, Event, Question, answered, error_event

BUSY, LATE = 503, 504
"""The status of a question for which there is no room, and of one that took too long."""
METHOD = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
CONTEXT: Any = multiprocessing.get_context(METHOD)
"""Where it can, a process begins as a copy of another."""
RESOURCE: Any = import_module("resource") if find_spec("resource") else None
"""Windows has none."""
ANSWERS = 500
"""After so many a new process takes over: whatever has piled up is gone."""


News = AsyncGenerator[Event, None]


def prepare(questions: Mapping[str, Question]) -> None:
    """Have processes begin with everything imported that answers these questions."""
    if METHOD == "forkserver":
        modules = {question.ask.__module__ for question in questions.values()}
        CONTEXT.set_forkserver_preload([__name__, *sorted(modules)])


def work(connection: Connection, memory: int) -> None:
    """Answer questions, one after another, until the other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's business
    if RESOURCE is not None:
        RESOURCE.setrlimit(RESOURCE.RLIMIT_DATA, (memory, memory))
    while True:
        try:
            question, fields = connection.recv()
            answered(question, fields, connection.send)
        except (EOFError, OSError):
            return


class Worker:
    """A process, and this end of the pipe to it."""

    def __init__(self, memory: int) -> None:
        self.connection, other = CONTEXT.Pipe()
        self.process = CONTEXT.Process(target=work, args=(other, memory), daemon=True)
        self.process.start()
        other.close()
        self.thread = ThreadPoolExecutor(1)  # waits for the pipe
        self.answers = 0
        self.broken = False

    @property
    def usable(self) -> bool:
        """Whether it can be asked."""
        return not self.broken and self.answers < ANSWERS and bool(self.process.is_alive())

    def kill(self) -> None:
        """End the process, whatever it does."""
        self.broken = True
        self.process.kill()
        self.thread.shutdown(wait=False)

    async def events(self, question: Question, fields: dict[str, Any]) -> News:
        """The news of one question, the last of which is its answer or an error."""
        deadline = asyncio.get_running_loop().time() + question.seconds
        event = await self.reached(deadline, self.connection.send, (question, fields))
        while event is None or event.kind == "progress":
            event = await self.reached(deadline, self.connection.recv)
            if event.kind == "progress":
                yield event
        yield event
        self.answers += 1

    async def reached(self, deadline: float, call: Any, *arguments: Any) -> Any:
        """What comes of a call that waits for the process, or an error event."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout_at(deadline):
                return await loop.run_in_executor(self.thread, call, *arguments)
        except TimeoutError:
            self.broken = True
            return error_event("this took too long here; ask for something smaller.", LATE)
        except (EOFError, OSError):
            self.broken = True
            return error_event("the process that worked on this has died; try again.", FAILED)


class Lane:
    """Some workers, and the questions that wait for them.

    Parameters
    ----------
    workers : int
        How many questions are answered at a time.
    waiting : int
        How many may wait; more are refused.
    memory : int
        Bytes that a worker may have.
    """

    def __init__(self, workers: int, waiting: int, memory: int) -> None:
        self.workers, self.memory = workers, memory
        self.free: list[Worker] = []
        self.all: set[Worker] = set()
        self.turn = asyncio.Semaphore(workers)
        self.waiting, self.most = 0, waiting
        self.closed = False

    @property
    def full(self) -> bool:
        """Whether one more question would be refused."""
        return self.waiting >= self.most

    async def events(self, question: Question, fields: dict[str, Any]) -> News:
        """The news of one question; leaving early kills the process that works on it."""
        if self.full:
            yield busy()
            return
        self.waiting += 1
        try:
            await self.turn.acquire()
        finally:
            self.waiting -= 1
        worker, done = None, False
        try:
            if self.closed:
                yield busy()
                return
            worker = await self.hire()
            async for event in worker.events(question, fields):
                done = event.kind != "progress"
                yield event
        finally:
            if worker is not None:
                self.release(worker, done)
            self.turn.release()

    async def hire(self) -> Worker:
        """A worker that is free, or a new one."""
        while self.free:
            worker = self.free.pop()  # the last one has all at hand
            if worker.usable:
                return worker
            self.release(worker, False)
        worker = await asyncio.to_thread(Worker, self.memory)
        self.all.add(worker)
        return worker

    def release(self, worker: Worker, done: bool) -> None:
        """Keep a worker that has answered; end one that has not."""
        if done and worker.usable:
            self.free.append(worker)
        else:
            worker.kill()
            self.all.discard(worker)

    async def warm(self) -> None:
        """Begin the processes before anybody asks."""
        await asyncio.gather(*(self.begin() for _ in range(self.workers)))

    async def begin(self) -> None:
        """Begin one, unless somebody needs its place."""
        async with self.turn:
            if not self.closed:
                self.release(await self.hire(), True)

    def close(self) -> None:
        """End all workers, and answer no more."""
        self.closed = True
        for worker in self.all:
            worker.kill()
        self.all.clear()
        self.free.clear()


def busy() -> Event:
    """There is no room for one more question."""
    return error_event("too many questions at a time; try again in a moment.", BUSY)
