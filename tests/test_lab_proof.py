"""Exhibit "Trust me not": what is proved is true, what is forged is refused; so the page says."""

import json

import pytest

import cvxnet as cn
from cvxnet.errors import InputError
from cvxnet.lab.asked import Asked
from cvxnet.lab.certificates import FORGERIES, check, forged
from cvxnet.lab.exhibits import proof
from cvxnet.proofs.checker import RefusalError

pytestmark = pytest.mark.interface

TRUE = "less"
"""The one forgery that says nothing false."""


@pytest.fixture(scope="module", params=list(proof.READY))
def text(request):
    return proof.ready(Asked({"problem": request.param}))["text"]


def test_what_the_page_checks_is_what_cvxnet_checks(text):
    found, expected = check(text), cn.check(json.loads(text))
    assert found["valid"] and expected.valid
    assert [found[name] for name in ("lower", "upper", "reason")] == [
        *(expected.lower, expected.upper, expected.reason),
    ]


@pytest.mark.parametrize("forgery", FORGERIES, ids=lambda forgery: forgery.name)
def test_forgeries_are_refused_unless_they_are_true(text, forgery):
    changed = forged(text, forgery.name)
    assert json.loads(changed) != json.loads(text)
    found = check(changed)
    assert found["valid"] == (forgery.name == TRUE)
    original = check(text)
    if found["valid"]:
        assert found["lower"] == original["lower"], "what is proved is more than what is claimed"
    else:
        assert found["lower"] is None and found["reason"] != original["reason"]


def test_each_forgery_fails_for_its_own_reason(text):
    def reason(name):
        return check(forged(text, name))["reason"]

    assert reason("lower").startswith("lower: ")
    assert {reason(name).split(":")[0] for name in ("upper", "weight")} == {"upper"}
    assert {reason(name).split(":")[0] for name in ("dual", "decay")} == {"dual infeasible"}
    assert "SHA-256" in reason("sample")
    assert "SHA-256" not in reason("fingerprint")


def test_any_single_number_changed_is_refused_or_proves_something_true(text):
    """Of the claim: whatever is said, an accepted bracket contains the proved one."""
    true = check(text)
    for factor in (0.5, 0.999, 1.001, 2.0):
        for end in ("lower", "upper"):
            document = json.loads(text)
            document[end] = (factor * float.fromhex(document[end])).hex()
            found = check(json.dumps(document))
            tighter = (factor > 1) == (end == "lower")
            assert found["valid"] != tighter
            assert not found["valid"] or found["lower"] == true["lower"]


@pytest.mark.parametrize("text", ["", "{", "[]", "[" * 10_000, "3", '{"format": 1, "format": 2}'])
def test_what_is_no_certificate_is_refused_with_a_reason(text):
    found = check(text)
    assert not found["valid"] and found["reason"]
    with pytest.raises(RefusalError):
        forged(text, "lower")
    with pytest.raises(InputError, match="cannot be forged"):
        proof.forge(Asked({"text": text, "forgery": "lower"}))


def test_there_may_be_nothing_to_forge():
    """No unit in the network, or no data in the file."""
    solution = cn.train("relu", [[0.0], [1.0]], [0.1, -0.1], weight_decay=10.0)
    text = json.dumps(solution.certificate.to_dict())
    assert check(text)["valid"]
    with pytest.raises(RefusalError, match="nothing to forge"):
        forged(text, "weight")
    with pytest.raises(RefusalError, match="data"):
        forged(json.dumps(solution.certificate.to_dict(embed_data=False)), "sample")


# The page


def verdict(page, words):
    page.get_by_test_id("verdict").get_by_text(words).wait_for()
    return page.get_by_test_id("verdict").inner_text()


def test_the_page_proves_a_certificate(lab_page):
    lab_page.open("?exhibit=proof")
    lab_page.get_by_text("Nobody has checked this yet").wait_for()
    lab_page.get_by_test_id("check").click()
    said = verdict(lab_page, "Proved")
    with lab_page.expect_download() as download:
        lab_page.get_by_test_id("download").click()
    document = json.loads(download.value.path().read_text())
    expected = cn.check(document)
    assert expected.valid and str(expected.lower) in said and str(expected.upper) in said
    for end in ("lower", "upper"):
        shown = lab_page.locator(f'[data-path="{end}"]').inner_text()
        assert float(shown) == float.fromhex(document[end])


def test_a_forgery_in_the_address_is_refused(lab_page):
    lab_page.open("?exhibit=proof&certificate=ring&forgery=dual")
    assert "dual infeasible" in verdict(lab_page, "Refused")
    assert lab_page.locator(".number.changed").count() == 40
    lab_page.get_by_test_id("forgery-none").check()
    lab_page.get_by_text("Nobody has checked this yet").wait_for()
    assert "forgery" not in lab_page.url
    lab_page.get_by_test_id("forgery-less").check()
    verdict(lab_page, "Proved")


def test_a_number_is_changed_by_keyboard_and_refused(lab_page, expect):
    lab_page.open("?exhibit=proof")
    lab_page.locator('[data-path="network.a.0"]').focus()
    lab_page.keyboard.press("ArrowLeft")
    lab_page.keyboard.press("ArrowRight")
    lab_page.keyboard.press("Enter")
    lab_page.keyboard.type("oops")
    lab_page.keyboard.press("Enter")
    expect(lab_page.locator("input.number")).to_have_attribute("aria-invalid", "true")
    lab_page.locator("input.number").fill("3.5")
    lab_page.keyboard.press("Enter")
    assert "upper: claimed" in verdict(lab_page, "Refused")
    changed = lab_page.locator(".number.changed")
    assert changed.count() == 1 and changed.get_attribute("data-path") == "network.a.0"
    with lab_page.expect_download() as download:
        lab_page.get_by_test_id("download").click()
    saved = json.loads(download.value.path().read_text())
    assert saved["network"]["a"][0] == (3.5).hex()
    assert not cn.check(saved).valid


def test_the_keyboard_leaves_a_table_of_numbers_in_one_step_and_comes_back(lab_page, expect):
    lab_page.open("?exhibit=proof")
    second = lab_page.locator('[data-path="network.a.1"]')
    lab_page.locator('[data-path="network.a.0"]').focus()
    lab_page.keyboard.press("ArrowDown")
    expect(second).to_be_focused()
    lab_page.keyboard.press("Tab")
    expect(lab_page.locator('[data-path^="network."]:focus')).to_have_count(0)
    lab_page.keyboard.press("Shift+Tab")
    expect(second).to_be_focused()


def test_every_number_of_a_certificate_is_read_and_written_exactly(lab_page):
    """The page writes doubles as Python does: after a change and back the text is the same."""
    numbers = [0.0, -0.0, 5e-324, -2.5e-310, 2.2250738585072014e-308, 1e308, 0.1, -1 / 3, 3.0, 1e22]
    lab_page.open("?exhibit=proof")
    script = "async (texts) => { const n = await import('./numbers.js'); "
    script += "return texts.map((text) => [n.isHex(text), n.toHex(n.fromHex(text))]); }"
    texts = [number.hex() for number in numbers]
    assert lab_page.evaluate(script, texts) == [[True, text] for text in texts]


def test_own_files_and_handed_over_certificates_are_taken(lab_page, tmp_path):
    solution = cn.train("relu", [[0.0], [1.0], [2.0]], [0.0, 1.0, 0.5], weight_decay=0.1)
    solution.certificate.save(tmp_path / "own.json")
    (tmp_path / "broken.json").write_text('{"format": "something else"}')
    lab_page.open("?exhibit=proof")
    lab_page.get_by_text("Nobody has checked this yet").wait_for()
    lab_page.get_by_test_id("file").set_input_files(tmp_path / "own.json")
    verdict(lab_page, "Proved")
    lab_page.get_by_test_id("file").set_input_files(tmp_path / "broken.json")
    assert "not a certificate" in verdict(lab_page, "Refused")
    lab_page.evaluate(
        "text => sessionStorage.setItem('certificate', text)",
        json.dumps(solution.certificate.to_dict()),
    )
    lab_page.open("?exhibit=proof")
    lab_page.get_by_test_id("certificate-plane").wait_for()
    lab_page.get_by_test_id("check").click()
    verdict(lab_page, "Proved")
    assert str(solution.certificate.lower)[:6] in lab_page.get_by_test_id("verdict").inner_text()
