"""The command line: measure, print, and write pictures."""

from __future__ import annotations

import argparse
import http.client
import json
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from experiments.lab.pages import browser, lab, obstacle
from experiments.lab.shots import shoot

POINTS = 100
AT_A_TIME, QUESTIONS = 50, 500
SMALL = ("one-weight/chord", {"f": "square", "a": -1.0, "b": 2.0})


def first_paint(chromium: Any, url: str) -> float:
    """Milliseconds from the start of the navigation to the first content, with an empty cache."""
    context = chromium.new_context()
    page = context.new_page()
    page.goto(url)
    page.locator("#exhibit:not([aria-busy]) .exhibit").wait_for()
    script = "() => performance.getEntriesByName('first-contentful-paint')[0].startTime"
    milliseconds = page.evaluate(script)
    context.close()
    return float(milliseconds)


def drags(chromium: Any, url: str, steps: int) -> list[float]:
    """Milliseconds from a question to its answer, while one of 100 points is dragged."""
    page = chromium.new_page()
    times: list[float] = []

    def finished(request: Any) -> None:
        if request.url.endswith("/api/plane/drag"):
            times.append(request.timing["responseEnd"])

    page.on("requestfinished", finished)
    page.goto(f"{url}?exhibit=plane&n={POINTS}")
    page.locator("#exhibit:not([aria-busy]) .exhibit").wait_for()
    page.wait_for_load_state("networkidle")
    handle = page.locator(".handle").first
    handle.wait_for()
    box = handle.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(steps):
        with page.expect_response("**/api/plane/drag"):
            page.mouse.move(x + 2 + step, y + step / 2)
    page.mouse.up()
    page.close()
    return times[1:]  # the first one loads what the others need


def ask(url: str, name: str, question: dict[str, Any]) -> tuple[int, float]:
    """The status of an answer, and after how many seconds it came."""
    begin = time.perf_counter()
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=600)
    headers = {"Content-Type": "application/json"}
    connection.request("POST", f"/api/{name}", json.dumps(question), headers)
    response = connection.getresponse()
    response.read()
    connection.close()
    return response.status, time.perf_counter() - begin


def load(url: str, questions: int) -> dict[str, float]:
    """Many small questions, 50 at a time: errors, and milliseconds each."""
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        found = list(pool.map(lambda _: ask(url, *SMALL), range(questions)))
    times = sorted(1000 * seconds for _, seconds in found)
    return {
        "errors": sum(status != 200 for status, _ in found),
        "median": statistics.median(times),
        "slowest": times[-1],
    }


def memory(pid: int) -> list[float]:
    """Megabytes of a process and of all that it has started, what they share counted once."""
    children: dict[int, list[int]] = {}
    for number, parent in map(parentage, Path("/proc").glob("[0-9]*")):
        children.setdefault(parent, []).append(number)
    family, found = [pid], []
    while family:
        member = family.pop()
        family += children.get(member, [])
        found.append(megabytes(member))
    return found


def parentage(process: Path) -> tuple[int, int]:
    """The numbers of a process and of the one that started it; 0 where it has ended."""
    try:
        state = (process / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return int(process.name), 0
    return int(process.name), int(state[1])


def megabytes(pid: int) -> float:
    """The proportional set size of a process."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1000


def seen(url: str, rounds: int, steps: int, shots: Path | None) -> dict[str, Any]:
    """What is measured in a browser, and the pictures."""
    with browser() as chromium:
        paints = [first_paint(chromium, url) for _ in range(rounds)]
        times = drags(chromium, url, steps)
        found = {
            "first paint, ms": statistics.median(paints),
            "drag, ms: median, slowest": [statistics.median(times), max(times)],
        }
        return found if shots is None else found | {"pictures": shoot(chromium, url, shots)}


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description="How fast the lab is, and what it looks like.")
    parser.add_argument("--quick", action="store_true", help="once each, no pictures")
    parser.add_argument("--shots", type=Path, help="folder for pictures")
    parser.add_argument("--out", type=Path, help="JSON file for the numbers")
    options = parser.parse_args(argv)
    found: dict[str, Any] = {}
    with lab() as (pid, url):
        ask(url, *SMALL)
        before = memory(pid)
        found["load"] = load(url, AT_A_TIME if options.quick else QUESTIONS)
        after = memory(pid)
        found["memory, MB: before, after"] = [sum(before), sum(after)]
        found["processes"] = len(after)
        if why := obstacle():
            print(f"nothing was seen in a browser: {why}")
        else:  # in a thread: one that has a browser already can have no other
            todo = (1, 2, None) if options.quick else (7, 30, options.shots)
            with ThreadPoolExecutor(1) as pool:
                found |= pool.submit(seen, url, *todo).result()
    for name, value in found.items():
        print(f"{name:28} {value}")
    if options.out:
        options.out.write_text(json.dumps(found, indent=1))
