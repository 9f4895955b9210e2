"""What all tests share: none of them measures time, and a busy machine fails none."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import settings

from cvxnet.cli import main

# Before torch and BLAS are loaded: where cores are busy, their threads wait for one another.
os.environ.setdefault("OMP_NUM_THREADS", "1")

settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")

SERVE = """
from cvxnet.lab.exhibits import QUESTIONS
from cvxnet.lab.server import serve
serve(QUESTIONS, port=0, ready=lambda url: print(url, flush=True))
"""
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
PATIENCE = 120_000
"""Milliseconds: a browser on a busy machine is slow, too."""
DRAWN = """() => document.querySelector("#exhibit:not([aria-busy]) .exhibit:not(.waiting)")
  && [...document.querySelectorAll("link[rel=stylesheet]")].every((link) => link.sheet)"""
"""The exhibit has its style and its first answer: until then things move, and a click may miss."""


@pytest.fixture(scope="session")
def lab_url():
    """The address of a running lab."""
    root = str(Path(__file__).parents[1])
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([root, *sys.path])}
    with subprocess.Popen(
        [sys.executable, "-c", SERVE], stdout=subprocess.PIPE, text=True, env=environment
    ) as server:
        url = server.stdout.readline().strip()
        assert url.startswith("http://127.0.0.1:")
        yield url
        server.terminate()


@pytest.fixture(scope="session")
def chromium():
    """A headless browser."""
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed (on Debian: apt-get install chromium)")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def expect(chromium):
    """Assertions that wait until a page has drawn what they say of it."""
    waiting = pytest.importorskip("playwright.sync_api").expect
    waiting.set_options(timeout=PATIENCE)
    return waiting


LOADED = ["cvxnet.training.trainer", "cvxnet.interop.torch", "cvxnet.interop.path_estimators"]
LOADED += ["sklearn.model_selection", "matplotlib.figure"]
"""What takes long to load and most processes of Dask need."""


class Watched:
    """What a page must not do: complain, miss a file, or ask anybody but its own server."""

    def __init__(self, page, url):
        self.page, self.url, self.faults = page, url, []
        page.on("console", self.console)
        page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        page.on("request", self.request)
        page.on("response", self.response)

    def console(self, message):
        if message.type in ("error", "warning"):
            self.faults.append(f"console: {message.text}")

    def request(self, request):
        if not request.url.startswith((self.url, "data:", "blob:")):
            self.faults.append(f"a request to elsewhere: {request.url}")

    def response(self, response):
        if response.status >= 400:
            self.faults.append(f"{response.status}: {response.url}")


@pytest.fixture(scope="session")
def lab_context(chromium, lab_url):
    """Where pages of the lab are opened, 1366 x 768: to make it costs more than most tests do."""
    context = chromium.new_context(
        base_url=lab_url, viewport={"width": 1366, "height": 768}, reduced_motion="reduce"
    )
    context.set_default_timeout(PATIENCE)
    yield context
    context.close()


@pytest.fixture
def lab_page(lab_context, lab_url):
    """A page of the lab; ``open(query)`` goes to an address. It may have no faults.

    It shares nothing with the page of another test: the lab keeps no cookies, and what it keeps in
    ``sessionStorage`` goes with the page.
    """
    page = lab_context.new_page()
    watched = Watched(page, lab_url)
    page.faults = watched.faults

    def open_page(query):
        page.goto(f"/{query}")
        page.wait_for_function(DRAWN)

    page.open = open_page
    yield page
    faults = list(watched.faults)
    for opened in lab_context.pages:
        opened.close()
    assert not lab_context.cookies() and not faults, faults


@pytest.fixture(scope="session")
def forked_workers():
    """Dask forks its processes from one that has loaded what they need: each would, for seconds."""
    dask, utils = pytest.importorskip("dask"), pytest.importorskip("distributed.utils")
    with dask.config.set({"distributed.worker.multiprocessing-method": "forkserver"}):
        utils.get_mp_context().set_forkserver_preload(LOADED)
        yield


@pytest.fixture
def cvxnet(capsys):
    """Runs the command in this process; returns its exit code, output and messages."""

    def run(*arguments):
        with pytest.raises(SystemExit) as caught:
            main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return caught.value.code or 0, printed.out, printed.err

    return run
