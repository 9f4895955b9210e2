"""The page as plain files: every exhibit opens with recorded answers, and no server is asked."""

import contextlib
import functools
import json
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from conftest import PATIENCE, Watched

from cvxnet.errors import InputError
from cvxnet.lab.exhibits import EXHIBITS
from cvxnet.lab.export import NEWS, address, compact, export, record, shortened, thinned

pytestmark = pytest.mark.interface


class Later:
    """Records that are made when they are asked for; those that others are made of, at once."""

    def __init__(self):
        self.handed_over = False

    def __call__(self, name, fields):
        first = name == "plane/train" and not self.handed_over
        self.handed_over = self.handed_over or first
        if first or name in ("proof/ready", "proof/forge"):
            return record(name, fields)
        return [{"seconds": 0.0, "later": [name, fields]}]


class Files(SimpleHTTPRequestHandler):
    """What ``python -m http.server`` serves with, but for records that are still to be made."""

    def do_GET(self):
        path = Path(self.translate_path(self.path))
        if path.parent.name == "recorded" and path.name != "index.json":
            (*_, event) = json.loads(path.read_text())
            if "later" in event:
                path.write_text(compact(shortened(record(*event["later"]))))
        super().do_GET()

    def log_message(self, *about):
        pass


@contextlib.contextmanager
def served(folder):
    """The address of a server for plain files."""
    handler = functools.partial(Files, directory=folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The whole page, its records made when somebody asks for them."""
    place = tmp_path_factory.mktemp("lab") / "page"
    export(place, tell=lambda text: None, recorder=Later())
    return place


@pytest.fixture(scope="module")
def files_url(folder):
    with served(folder) as url:
        yield url


@pytest.fixture
def page(chromium, files_url):
    """A page that may have no faults, as `lab_page`."""
    context = chromium.new_context(base_url=files_url, reduced_motion="reduce")
    context.set_default_timeout(PATIENCE)
    opened = context.new_page()
    watched = Watched(opened, files_url)
    yield opened
    faults = list(watched.faults)
    context.close()
    assert not faults, faults


def test_recorded_answers_are_those_of_the_questions(tmp_path):
    export(tmp_path, only=["one-weight", "proof"], tell=lambda text: None)
    index = json.loads((tmp_path / "recorded" / "index.json").read_text())
    assert index["exhibits"] == ["one-weight", "proof"] and not index["checker"]
    names = {entry["name"] for entry in index["answers"]}
    assert {"one-weight/chord", "proof/ready", "proof/forge", "proof/check"} <= names
    for entry in index["answers"]:
        events = json.loads((tmp_path / entry["file"]).read_text())
        assert "answer" in events[-1] and len(events) <= NEWS + 1
        if entry["name"] in ("one-weight/chord", "proof/forge"):
            again = record(entry["name"], entry["question"])
            assert events[-1]["answer"] == shortened(again[-1]["answer"])


def test_every_exhibit_has_answers_for_its_own_questions(folder):
    index = json.loads((folder / "recorded" / "index.json").read_text())
    asked = {entry["name"].partition("/")[0] for entry in index["answers"]}
    for exhibit in EXHIBITS:
        own = {name.partition("/")[0] for name in (q.name for q in exhibit.QUESTIONS)}
        assert own <= asked, exhibit.__name__


def test_every_exhibit_opens_with_its_answers(page):
    page.goto("/")
    links = page.locator("#exhibits a")
    links.first.wait_for()  # all are drawn at once
    addresses = links.evaluate_all("links => links.map((a) => a.search)")
    assert len(addresses) >= len(EXHIBITS)
    for search in addresses:
        page.goto(f"/{search}")
        page.locator("#exhibit:not([aria-busy]) .exhibit:not(.waiting)").wait_for()
        page.wait_for_load_state("networkidle")
        assert page.locator("#trouble").is_hidden(), (search, page.locator("#trouble").inner_text())


def test_what_was_not_recorded_says_how_to_run_the_lab(page):
    """Asked as the page asks, of a recording: the answer is how to get answers."""
    page.goto("/?exhibit=proof")
    page.get_by_test_id("certificate").wait_for()
    page.locator('[data-path="lower"]').click()
    page.keyboard.type("1")
    page.keyboard.press("Enter")
    page.get_by_test_id("verdict").get_by_text("cvxnet lab").wait_for()


def test_forgeries_are_refused_from_the_recording_too(page):
    page.goto("/?exhibit=proof")
    page.get_by_text("Nobody has checked this yet").wait_for()
    page.get_by_test_id("check").click()
    page.get_by_test_id("verdict").get_by_text("Proved").wait_for()
    for name in ("dual", "fingerprint"):
        page.get_by_test_id(f"forgery-{name}").check()
        page.get_by_test_id("verdict").get_by_text("Refused").wait_for()


def test_a_certificate_that_is_handed_over_is_checked_from_the_recording(page):
    page.goto("/?exhibit=plane")
    page.get_by_test_id("plane").get_by_test_id("check").click()
    page.get_by_test_id("certificate-plane").wait_for()
    page.get_by_test_id("check").click()
    page.get_by_test_id("verdict").get_by_text("Proved").wait_for()


def test_a_folder_with_other_things_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("three years")
    with pytest.raises(InputError, match="not empty"):
        export(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
    with pytest.raises(InputError):
        export(tmp_path / "thesis.tex" / "page")


def test_an_export_is_written_again_over_an_old_one(tmp_path):
    place = tmp_path / "page"
    assert export(place, only=["one-weight"], tell=lambda text: None)
    (place / "recorded" / "999.json").write_text("{}")
    export(place, only=["one-weight"], tell=lambda text: None)
    assert not (place / "recorded" / "999.json").exists()
    assert "one-weight" in map(address, EXHIBITS)


def test_a_question_without_an_answer_is_not_recorded():
    with pytest.raises(InputError, match="no answer to record"):
        record("proof/ready", {"problem": "nothing of the kind"})


def test_numbers_keep_what_is_proved_and_lose_what_is_drawn():
    value = {"lower": 1 / 3, "few": [1 / 3] * 3, "many": [[1 / 3, 1, None, "text"]] * 100}
    short = shortened(value)
    assert (short["lower"], short["few"]) == (value["lower"], value["few"])
    assert short["many"] == [[0.333333, 1, None, "text"]] * 100
    assert len(compact(short)) < len(json.dumps(value)) / 1.5


@pytest.mark.parametrize("count", [1, 2, NEWS, NEWS + 1, NEWS + 2, 10 * NEWS])
def test_thinned_news_keep_the_first_and_the_answer(count):
    events = [{"k": k} for k in range(count)]
    kept = thinned(events)
    assert kept[-1] == events[-1] and len(kept) <= NEWS + 1
    assert count == 1 or kept[0] == events[0]
