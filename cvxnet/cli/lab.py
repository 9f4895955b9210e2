"""``cvxnet lab``: the convexity lab, a page for lectures and students, on this machine."""

from __future__ import annotations

import sys
import webbrowser
from pathlib import Path
from threading import Thread
from typing import Annotated, Any

import typer

from cvxnet.cli.compilation import prepare
from cvxnet.cli.interruption import handling
from cvxnet.cli.options import Json
from cvxnet.cli.outcome import print_json
from cvxnet.lab.exhibits import QUESTIONS
from cvxnet.lab.export import export as export_files
from cvxnet.lab.guard import LOOPBACK
from cvxnet.lab.server import serve

WARNING = (
    "warning: whoever reaches this machine over the network can open this page and use its "
    "processors. There is no password. Only in a network that you trust."
)


def lab(
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 is all of this machine.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port; 0 takes one that is free.")] = 8321,
    browser: Annotated[
        bool | None,
        typer.Option(
            "--open/--no-open", help="Open it in the browser; by default where there is a terminal."
        ),
    ] = None,
    export: Annotated[
        Path | None,
        typer.Option(help="Write the page with recorded answers into this folder, and serve none."),
    ] = None,
    json: Json = False,
) -> None:
    """Open the convexity lab: a page for lectures and students, on this machine."""
    if export is not None:
        export_page(export, json)
        return
    if host not in LOOPBACK:
        print(WARNING, file=sys.stderr)
    opens = sys.stdout.isatty() and not json if browser is None else browser

    def ready(address: str) -> None:
        prepare("relu", quiet=json)  # nobody is to wait for that in the page
        if json:
            print_json({"address": address})
        else:
            print(f"The lab is at {address}   (Ctrl-C ends it)")
        sys.stdout.flush()
        if opens:  # in a thread: some browsers return only when they are closed
            Thread(target=webbrowser.open, args=(address,), daemon=True, name="browser").start()

    with handling(stop):
        serve(QUESTIONS, host, port, ready)


def stop(number: int, frame: Any) -> None:
    """What Ctrl-C and SIGTERM mean here, after the server has closed."""
    raise KeyboardInterrupt


def export_page(folder: Path, json: bool) -> None:
    """Write the page with recorded answers, and say what is in the folder."""

    def tell(text: str) -> None:
        if not json:
            print(text, file=sys.stderr)

    answers = export_files(folder, tell=tell)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    if json:
        print_json({"folder": str(folder), "answers": answers, "bytes": size})
    else:
        print(f"{folder}: {answers} recorded answers, {size / 1e6:.1f} MB, for any web server")
