"""Worker processes: the server itself computes nothing, so that nothing makes it wait.

A question is answered in a process of its own that is kept for the next one. Who no longer wants
the answer, or has waited too long, has the process killed; another takes its place.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

import anyio
from anyio import to_thread

from cvxnet.lab.exhibits import QUESTIONS
from cvxnet.lab.question import FAILED, Event, Question, answered, error_event

BUSY, LATE = 503, 504
"""The status of a question for which there is no room, and of one that took too long."""
METHOD = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
CONTEXT: Any = multiprocessing.get_context(METHOD)
"""Where it can, a process begins as a copy of one that has imported everything."""
if METHOD == "forkserver":
    CONTEXT.set_forkserver_preload(["cvxnet.lab.workers"])


def work(connection: Connection) -> None:
    """Answer questions, one after another, until the other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's business
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    while True:
        try:
            name, fields = connection.recv()
        except (EOFError, OSError):
            return
        answered(QUESTIONS[name], fields, connection.send)


class Worker:
    """A process, and this end of the pipe to it."""

    def __init__(self) -> None:
        self.connection, other = CONTEXT.Pipe()
        self.process = CONTEXT.Process(target=work, args=(other,), daemon=True)
        self.process.start()
        other.close()

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return bool(self.process.is_alive())

    def kill(self) -> None:
        """End the process, whatever it does."""
        self.process.kill()

    async def events(self, question: Question, fields: dict[str, Any]) -> AsyncIterator[Event]:
        """The news of one question, the last of which is its answer or an error."""
        self.connection.send((question.name, fields))
        while True:
            try:
                event = await to_thread.run_sync(self.connection.recv, abandon_on_cancel=True)
            except (EOFError, OSError):
                event = error_event("the process that worked on this has died; try again.", FAILED)
            yield event
            if event.kind != "progress":
                return


class Lane:
    """Some workers, and the questions that wait for them.

    Parameters
    ----------
    workers : int
        How many questions are answered at a time.
    waiting : int
        How many may wait; more are refused.
    """

    def __init__(self, workers: int, waiting: int) -> None:
        self.free: deque[Worker] = deque()
        self.all: set[Worker] = set()
        self.turn = anyio.Semaphore(workers)
        self.waiting, self.most = 0, waiting

    async def events(self, question: Question, fields: dict[str, Any]) -> AsyncIterator[Event]:
        """The news of one question; leaving early kills the process that works on it."""
        if self.waiting >= self.most:
            yield error_event("too many questions at a time; try again in a moment.", BUSY)
            return
        self.waiting += 1
        try:
            await self.turn.acquire()
        finally:
            self.waiting -= 1
        worker, done = None, False
        try:
            worker = await self.hire()
            with anyio.move_on_after(question.seconds) as limit:
                async for event in worker.events(question, fields):
                    done = event.kind != "progress" and worker.alive
                    yield event
            if limit.cancelled_caught:
                yield error_event(f"no answer within {question.seconds:g} seconds.", LATE)
        finally:
            self.turn.release()
            if worker is not None:
                self.release(worker, done)

    async def hire(self) -> Worker:
        """A worker that is free, or a new one."""
        while self.free:
            worker = self.free.popleft()
            if worker.alive:
                return worker
            self.all.discard(worker)
        worker = await to_thread.run_sync(Worker)
        self.all.add(worker)
        return worker

    def release(self, worker: Worker, done: bool) -> None:
        """Keep a worker that has answered; end one that has not."""
        if done:
            self.free.append(worker)
        else:
            worker.kill()
            self.all.discard(worker)

    def close(self) -> None:
        """End all workers."""
        for worker in self.all:
            with suppress(OSError):
                worker.kill()
        self.all.clear()
        self.free.clear()
