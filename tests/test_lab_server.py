"""The server of the lab: whom it answers, what it refuses, and that nothing makes it wait."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import lab_questions
import pytest

from cvxnet.errors import InputError
from cvxnet.lab.exhibits import EXHIBITS, QUESTIONS
from cvxnet.lab.guard import Guard, Limits
from cvxnet.lab.server import idle_since, serve

pytestmark = pytest.mark.failure

HERE = Path(__file__).parent
PATIENCE = 60
SERVE = """
from lab_questions import QUESTIONS
from cvxnet.lab.guard import Limits
from cvxnet.lab.server import idle_since, serve
serve(QUESTIONS, port=0, ready=lambda url: print(url, flush=True), limits=Limits(**{limits}))
"""
SHORT = {"head": 1.0, "body": 1.0, "write": 1.0, "size": 10_000, "memory": 2 * 2**30}
JSON = {"Content-Type": "application/json"}


@contextlib.contextmanager
def running(**limits):
    """A server with the questions of these tests: its process and its port."""
    paths = [str(HERE), str(HERE.parent), *sys.path]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    command = [sys.executable, "-c", SERVE.format(limits=SHORT | limits)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            yield process, int(process.stdout.readline().strip().rstrip("/").rpartition(":")[2])
        finally:
            process.kill()


@pytest.fixture(scope="module")
def port():
    with running() as (_, found):
        yield found


@contextlib.contextmanager
def response_to(port, path, method="GET", headers=None, body=None):
    """The response to a request; at the end the connection is closed, whatever is left."""
    with contextlib.closing(
        http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    ) as connection:
        connection.request(method, path, body, headers or {})
        with contextlib.closing(connection.getresponse()) as response:
            yield response


def ask(port, name, question=None, method="POST", headers=JSON, body=None):
    """Status, headers and what the answer says."""
    body = json.dumps(question or {}) if body is None else body
    with response_to(port, f"/api/{name}", method, headers, body) as response:
        return response.status, dict(response.getheaders()), response.read().decode()


def error(port, name, question=None, **how):
    """Status and message of a refusal."""
    status, _, text = ask(port, name, question, **how)
    return status, json.loads(text)["error"]


@contextlib.contextmanager
def working(port, name):
    """The process that works on a long question, and its stream."""
    with response_to(port, f"/api/{name}", "POST", JSON, "{}") as response:
        yield json.loads(response.readline())["progress"]["pid"]


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return (
        not Path(f"/proc/{pid}/stat").exists() or " Z " not in Path(f"/proc/{pid}/stat").read_text()
    )


def wait_until(condition):
    """Wait for it, for as long as a busy machine takes."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.02)


# Answers


def test_an_answer_is_json(port):
    status, headers, text = ask(port, "test/echo", {"say": 3})
    assert (status, headers["content-type"]) == (200, "application/json")
    assert json.loads(text)["said"] == 3


def test_a_long_question_streams_its_news(port):
    _, headers, text = ask(port, "test/count")
    assert headers["content-type"].startswith("application/x-ndjson")
    news = [json.loads(line) for line in text.splitlines()]
    assert [item["progress"]["k"] for item in news[:-1]] == [0, 1, 2]
    assert news[-1] == {"answer": {"k": 3}}


@pytest.mark.parametrize(
    ("name", "question", "status", "words"),
    [
        ("test/none", {}, 404, "no such question"),
        ("test/echo", {"say": 99}, 400, "from -10 to 10"),
        ("test/echo", {"shout": 1}, 400, "shout"),
        ("test/refuse", {}, 400, "on purpose"),
        ("test/fail", {}, 500, "a bug in cvxnet"),
        ("test/infinite", {}, 500, "a bug in cvxnet"),
        ("test/die", {}, 500, "has died"),
        ("test/late", {}, 504, "too long"),
        ("test/hoard", {}, 400, "memory"),
    ],
)
def test_a_question_without_an_answer_says_why_and_the_next_one_is_answered(
    port, name, question, status, words
):
    found, message = error(port, name, question)
    assert found == status and words in message
    assert ask(port, "test/echo")[0] == 200


def test_a_long_question_that_takes_too_long_is_ended(port):
    *news, last = ask(port, "test/long-late")[2].splitlines()
    assert "too long" in json.loads(last)["error"]
    (pid,) = (json.loads(line)["progress"]["pid"] for line in news)
    wait_until(lambda: not is_alive(pid))


# What is refused


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("", "no JSON"),
        ("{", "no JSON"),
        ("[1, 2]", "no JSON object"),
        ('{"say": NaN}', "NaN"),
        ('{"say": -Infinity}', "Infinity"),
        ('{"say": 1, "say": 2}', "twice"),
        ("[" * 5000, "no JSON"),
        ('{"a":' * 1500, "no JSON"),
        (b"\xff\xfe{}", "no JSON"),
        ('{"say": 1e999}', "finite"),
        ('{"say": 1' + "0" * 5000 + "}", "no JSON"),
        ('{"say": true}', "number"),
    ],
)
def test_malformed_questions_are_refused(port, body, words):
    status, message = error(port, "test/echo", body=body)
    assert status == 400 and words in message


def test_a_large_question_is_refused_while_it_arrives(port):
    body = json.dumps({"say": "x" * SHORT["size"]})
    status, headers, text = ask(port, "test/echo", body=body)
    assert status == 413 and "larger than" in json.loads(text)["error"]
    assert headers["connection"] == "close"


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": "127.0.0.1@evil.example:80"},
        {"Host": "192.168.0.7"},
        {"Host": ""},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://127.0.0.1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_strangers_are_refused(port, headers):
    assert error(port, "test/echo", headers=JSON | headers)[0] == 403


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_other_content_types_are_refused(port, kind):
    """A form of another page can send these without asking; JSON it cannot."""
    assert error(port, "test/echo", headers={"Content-Type": kind})[0] == 415


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
def test_other_methods_are_refused(port, method):
    assert ask(port, "test/echo", method=method)[0] in (403, 404, 405)


@pytest.mark.parametrize(
    ("host", "name", "known"),
    [
        ("127.0.0.1", "localhost:8321", True),
        ("127.0.0.1", "LOCALHOST", True),
        ("127.0.0.1", "[::1]:8321", True),
        ("127.0.0.1", "192.168.0.7:8321", False),
        ("0.0.0.0", "192.168.0.7:8321", True),
        ("0.0.0.0", "[fe80::1]:8321", True),
        ("0.0.0.0", f"{socket.gethostname()}:8321", True),
        ("0.0.0.0", "evil.example:8321", False),
        ("192.168.0.7", "192.168.0.7", True),
    ],
)
def test_a_server_knows_its_names(host, name, known):
    """A name that was rebound to this machine is none of them; an address cannot be rebound."""
    assert Guard(None, host, Limits()).knows(name) is known


@pytest.mark.parametrize(
    "path",
    [
        "/../server.py",
        "/..%2fserver.py",
        "/%2e%2e/server.py",
        "/..%5cserver.py",
        "//etc/passwd",
        "/exhibits/../../server.py",
        "/%00",
        "/etc/passwd",
    ],
)
def test_no_file_but_those_of_the_page_is_served(port, path):
    with response_to(port, path) as response:
        text = response.read()
        assert response.status == 404 and b"root:" not in text and b"import" not in text


def test_every_answer_carries_the_rules_for_browsers(port):
    for method, path, headers in [
        ("GET", "", {}),
        ("GET", "lab.js", {}),
        ("GET", "missing", {}),
        ("POST", "api/test/echo", JSON),
        ("POST", "api/test/echo", {"Host": "evil.example"}),
    ]:
        with response_to(port, f"/{path}", method, headers, "{}") as response:
            found = dict(response.getheaders())
        policy = found["content-security-policy"]
        assert "default-src 'self'" in policy and "unsafe" not in policy
        assert found["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" not in found


# Who takes long, and who comes in crowds


def is_cut(connection):
    """Whether the server ends a connection on which nothing more is sent."""
    connection.settimeout(PATIENCE)
    with contextlib.suppress(ConnectionError):
        while connection.recv(65536):
            pass
    return True


@pytest.mark.parametrize("start", [b"", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n"])
def test_heads_that_do_not_arrive_are_cut_off(port, start):
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(start)
        assert is_cut(connection)


def test_a_head_that_arrives_slowly_is_cut_off(port):
    with socket.create_connection(("127.0.0.1", port)) as connection, pytest.raises(OSError):
        connection.settimeout(PATIENCE)
        connection.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        for k in range(100_000):
            connection.sendall(b"X-%d: y\r\n" % k)
            connection.settimeout(0.05)
            with contextlib.suppress(TimeoutError):
                if connection.recv(1000) == b"":
                    raise ConnectionError


@contextlib.contextmanager
def half_a_question(port):
    """A connection on which the rest of a question is missing."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        head = "POST /api/test/echo HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n"
        connection.sendall(f"{head}Content-Type: application/json\r\n\r\n{{".encode())
        yield connection


def test_a_question_that_does_not_arrive_is_refused(port):
    with half_a_question(port) as connection:
        assert b" 408 " in connection.recv(1000)
        assert is_cut(connection)


def test_who_asks_again_and_again_is_not_idle():
    """Only pauses count, however long a connection lasts."""

    class Cycle:
        def __init__(self, complete):
            self.response_complete = complete

    class Connection:
        transport = SimpleNamespace(is_closing=lambda: False)
        cycle = None

        def ask(self, complete):
            self.cycle = Cycle(complete)

    new, busy, asks = Connection(), Connection(), Connection()
    busy.ask(False)
    asks.ask(True)
    times = idle_since({}, [new, busy, asks], 1.0)
    asks.ask(True)
    times = idle_since(times, [new, busy, asks], 2.0)
    assert {one: since for (one, _), since in times.items()} == {new: 1.0, asks: 2.0}


def test_garbage_is_answered_or_cut(port):
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 10 + b"\r\n\r\n")
        assert is_cut(connection)
    assert ask(port, "test/echo")[0] == 200


def test_who_does_not_read_an_answer_loses_the_worker(port):
    with working(port, "test/flood") as pid:
        wait_until(lambda: not is_alive(pid))


def test_who_leaves_has_the_work_ended(port):
    with working(port, "test/forever") as pid:
        assert is_alive(pid)
    wait_until(lambda: not is_alive(pid))


def test_long_work_does_not_make_short_questions_wait(port):
    """Both workers of the long lane are busy for ever; so the others need not wait for them."""
    with working(port, "test/forever") as one, working(port, "test/forever") as other:
        assert one != other
        assert {ask(port, "test/echo")[0] for _ in range(5)} == {200}
        assert is_alive(one) and is_alive(other)


def test_crowds_are_told_to_come_again():
    with running(waiting=(200, 0), requests=1, body=PATIENCE) as (_, port):
        status, headers, text = ask(port, "test/forever")
        assert status == 503 and headers["retry-after"] == "1"
        assert "too many questions" in json.loads(text)["error"]
        with half_a_question(port):
            wait_until(lambda: ask(port, "test/echo")[0] == 503)
        wait_until(lambda: ask(port, "test/echo")[0] == 200)


def test_fifty_at_a_time_are_answered_by_few_processes(port):
    """So memory is bounded: by the number of workers, and by what each of them may have."""
    with ThreadPoolExecutor(50) as pool:
        found = list(pool.map(lambda k: ask(port, "test/echo", {"say": k % 7}), range(200)))
    assert {status for status, _, _ in found} == {200}
    answers = [json.loads(text) for _, _, text in found]
    assert [answer["said"] for answer in answers] == [k % 7 for k in range(200)]
    assert len({answer["pid"] for answer in answers}) <= 3  # one may have given up its place


# The end


@pytest.mark.skipif(os.name == "nt", reason="there are no such signals there")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_server_and_workers(number):
    with running() as (process, port), working(port, "test/forever") as pid:
        pids = [pid, json.loads(ask(port, "test/echo")[2])["pid"]]
        process.send_signal(number)
        code = process.wait(PATIENCE)
        assert code == (0 if number == signal.SIGINT else -signal.SIGTERM)
        wait_until(lambda: not any(map(is_alive, pids)))
        assert "Traceback" not in process.stderr.read()


@pytest.mark.skipif(os.name == "nt", reason="there are no such signals there")
def test_workers_do_not_outlive_a_server_that_is_killed():
    with running() as (process, port):
        pid = json.loads(ask(port, "test/echo")[2])["pid"]
        process.kill()
        process.wait(PATIENCE)
        wait_until(lambda: not is_alive(pid))


def test_a_port_in_use_is_an_error_that_says_what_to_do(port):
    with pytest.raises(InputError, match="--port 0"):
        serve({}, port=port)
    with pytest.raises(InputError, match="65535"):
        serve({}, port=70000)


# The exhibits


def test_questions_have_an_exhibit_and_a_limit():
    assert len(QUESTIONS) == sum(len(module.QUESTIONS) for module in EXHIBITS)
    for name, question in QUESTIONS.items():
        assert "/" in name and 0 < question.seconds <= 600, name
    assert lab_questions.QUESTIONS.keys().isdisjoint(QUESTIONS)
