"""The parts, and trials in a process that is watched: hangs and crashes are failures."""

from __future__ import annotations

import faulthandler
import multiprocessing
import re
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import torch

from experiments.adversary import commands, doors, invariances, networks, training, verdicts
from experiments.adversary.trials import Failure, Script, imports, run_trial

Trial = Callable[[np.random.Generator, Script], None]
PARTS: dict[str, Trial] = {
    "training": training.trial,
    "certify": training.trial_certify,
    "path": training.trial_path,
    "estimators": training.trial_estimators,
    "bounds": training.trial_bounds,
    "expressions": verdicts.trial,
    "problems": verdicts.trial_problem,
    "networks": networks.trial,
    "doors": doors.trial,
    "commands": commands.trial,
}
PARTS |= {f"invariance-{name}": invariances.trial_of(name) for name in invariances.INVARIANCES}
LIMIT = 300.0
"""Seconds after which a call counts as one that never returns."""


def serve(pipe: Connection, stacks: str) -> None:
    """In the worker: trials on demand, every line announced before it runs."""
    torch.set_num_threads(1)
    with open(stacks, "w") as file:
        while True:
            part, seed, number, limit = pipe.recv()
            faulthandler.dump_traceback_later(0.9 * limit, file=file)
            script = run_trial(part, PARTS[part], seed, number, lambda text: pipe.send(text))
            faulthandler.cancel_dump_traceback_later()
            pipe.send((script.failures, script.checked))


class Worker:
    """A process for trials, made anew after one that hung or died."""

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self.process: multiprocessing.process.BaseProcess | None = None

    def start(self) -> None:
        """A fresh process."""
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.stacks = tempfile.mkstemp(suffix=".stacks")[1]
        self.process = context.Process(target=serve, args=(theirs, self.stacks), daemon=True)
        self.process.start()
        theirs.close()

    def stop(self) -> None:
        """End the process that is there."""
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.process = None
            Path(self.stacks).unlink(missing_ok=True)

    def run(self, part: str, seed: int, number: int) -> tuple[list[Failure], Counter[str]]:
        """The failures of a trial and what was checked; a hang or a crash is a failure."""
        if self.process is None:
            self.start()
        self.pipe.send((part, seed, number, self.limit))
        lines: list[str] = []
        deadline = time.monotonic() + self.limit
        try:
            while self.pipe.poll(max(0.0, deadline - time.monotonic())):
                answer = self.pipe.recv()
                if not isinstance(answer, str):
                    return answer
                lines.append(answer)
            kind, found = f"never returns ({self.where()})", f"nothing after {self.limit:g} s"
        except (EOFError, ConnectionError):
            kind, found = f"the process died ({self.where()})", "no answer"
        self.stop()
        last = lines[-1] if lines else ""
        text = "\n".join([*imports(lines), "", *lines, f"# found: {found}"])
        return [Failure(f"{part}: {kind}: {last[:40]}", found, text)], Counter()

    def where(self) -> str:
        """The innermost frame of cvxnet that was running."""
        stacks = Path(self.stacks).read_text()
        found = re.search(r'/cvxnet/.*?([^/"]+)", line \d+ in (\S+)', stacks)
        return ":".join(found.groups()) if found else "not in cvxnet"
