"""The page of proofs: the checker itself, in a browser, beside a server for plain files only."""

import json
import zipfile

import pytest
from conftest import PATIENCE, Watched

import cvxnet as cn
from cvxnet.lab.certificates import forged
from experiments import proof_page
from experiments.lab.pages import served

pytestmark = pytest.mark.interface


@pytest.fixture(scope="module")
def folder(tmp_path_factory, chromium):
    """The page, assembled."""
    if missing := proof_page.fetched(proof_page.PACKAGES, seconds=120):
        pytest.skip(f"what the page runs on cannot be had: {'; '.join(missing)}")
    place = tmp_path_factory.mktemp("proof") / "page"
    proof_page.assemble(place, proof_page.PACKAGES)
    return place


def verdict(page, words):
    page.get_by_test_id("verdict").get_by_text(words).wait_for()
    return page.get_by_test_id("verdict").inner_text()


def test_the_page_proves_a_certificate_and_refuses_a_forged_one(chromium, folder, tmp_path):
    solution = cn.train("relu", [[0.0], [1.0], [2.0]], [0.0, 1.0, 0.5], weight_decay=0.1)
    text = json.dumps(solution.certificate.to_dict())
    (tmp_path / "own.json").write_text(text)
    (tmp_path / "forged.json").write_text(forged(text, "dual"))
    with served(folder) as url:
        context = chromium.new_context(base_url=url)
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        watched = Watched(page, url)
        page.goto("/")
        page.get_by_text("Nobody has checked this yet").wait_for()
        page.get_by_test_id("file").set_input_files(tmp_path / "own.json")
        expected = cn.check(solution)
        said = verdict(page, "Proved")
        assert str(expected.lower) in said and str(expected.upper) in said
        page.get_by_test_id("file").set_input_files(tmp_path / "forged.json")
        assert "dual infeasible" in verdict(page, "Refused")
        page.get_by_test_id("forgery-upper").check()
        assert "upper: claimed" in verdict(page, "Refused")
        faults = list(watched.faults)
        context.close()
        assert not faults, faults


def test_what_runs_there_is_the_checker_as_it_is(folder):
    with zipfile.ZipFile(folder / "checker" / "checker.zip") as archive:
        for name in archive.namelist():
            assert archive.read(name) == (proof_page.ROOT / name).read_bytes()
        names = set(archive.namelist())
    checker = proof_page.ROOT / "cvxnet" / "proofs" / "checker"
    own = {str(path.relative_to(proof_page.ROOT)) for path in checker.rglob("*.py")}
    assert names == own | {"cvxnet/lab/certificates.py"}


def test_the_folder_is_whole_and_of_moderate_size(folder):
    sizes = {path.name: path.stat().st_size for path in folder.rglob("*") if path.is_file()}
    assert sum(sizes.values()) < 25e6
    assert {"index.html", "NOTICE.txt", proof_page.FLINT, "pyodide.mjs"} <= sizes.keys()
    assert json.loads((folder / "checker" / "pyodide-lock.json").read_text())["packages"] == {}


def test_packages_that_cannot_be_had_are_named(tmp_path, monkeypatch):
    nowhere = {name: ["no-such-command"] for name in proof_page.FETCH}
    monkeypatch.setattr(proof_page, "FETCH", nowhere)
    missing = proof_page.fetched(tmp_path)
    assert len(missing) == 2 and all("cannot be fetched" in text for text in missing)
    (tmp_path / proof_page.PYODIDE).write_bytes(b"something else")
    assert "not what was expected" in proof_page.fetched(tmp_path)[0]
