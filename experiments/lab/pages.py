"""What is needed to look at pages: a server, a folder that is served, a browser."""

from __future__ import annotations

import functools
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")


def obstacle() -> str:
    """Why there is no browser; empty where there is one."""
    if CHROMIUM is None:
        return "no Chromium is installed (on Debian: apt-get install chromium)"
    return "" if find_spec("playwright") else "playwright is not installed: pip install playwright"


@contextmanager
def browser() -> Iterator[Any]:
    """A headless browser."""
    from playwright.sync_api import sync_playwright  # only where `obstacle` finds none

    with sync_playwright() as running:
        chromium = running.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


class Files(SimpleHTTPRequestHandler):
    """The files of a folder, without a log."""

    def log_message(self, *about: object) -> None:
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a server for the files of a folder."""
    handler = functools.partial(Files, directory=folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@contextmanager
def lab() -> Iterator[tuple[int, str]]:
    """The process of a running lab, and its address."""
    command = [sys.executable, "-m", "cvxnet", "lab", "--port", "0", "--no-open", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        text = "".join(process.stdout.readline() for _ in range(3))
        yield process.pid, json.loads(text)["address"]
        process.terminate()
