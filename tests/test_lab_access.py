"""The whole page, exhibit by exhibit: for readers of screens, without a mouse, on a phone, hidden.

axe-core is found where ``npm install --prefix VENV axe-core`` puts it.
"""

import re
import sys
from pathlib import Path

import pytest
from accessibility import AXE, grave_findings

import cvxnet

pytestmark = pytest.mark.interface

PAGE = Path(cvxnet.__file__).parent / "lab" / "page"
IDS = re.findall(r'^  \["([a-z-]+)", ', (PAGE / "lab.js").read_text(encoding="utf-8"), re.M)
SMALL = {"limits": "&n=10"}
"""Exhibits with a smaller question than their own, for they begin with a long one."""

BEYOND = """() => [...document.querySelectorAll("main *")].filter((node) => {
    const box = node.getBoundingClientRect();
    return box.width && box.right > document.documentElement.clientWidth + 1
      && !node.closest(".scrolls, pre, .visually-hidden, [clip-path]");
  }).map((node) => node.outerHTML.slice(0, 160)).slice(0, 5)"""

BEYOND_AT_LAST = f"""async () => {{
  const beyond = {BEYOND};
  for (let frame = 0; frame < 300 && beyond().length; frame += 1) {{
    await new Promise(requestAnimationFrame);  // pictures are drawn again
  }}
  return beyond();
}}"""


def open_exhibit(page, name, more=""):
    page.open(f"?exhibit={name}{SMALL.get(name, '')}{more}")
    wait_for_exhibit(page, name)
    page.wait_for_load_state("networkidle")


def wait_for_exhibit(page, name):
    """Until its first answer is drawn: some of its controls come with it."""
    page.locator(f"[data-testid={name}]:not(.waiting) > *").first.wait_for(state="attached")


@pytest.mark.parametrize("name", IDS)
def test_an_exhibit_is_for_everybody(lab_page, name):
    """On a phone, in both themes, and with all that a teacher may hide."""
    open_exhibit(lab_page, name)
    findings = grave_findings_in_both_themes(lab_page)
    assert findings == []
    lab_page.set_viewport_size({"width": 390, "height": 844})
    assert lab_page.evaluate(BEYOND_AT_LAST) == []
    assert lab_page.evaluate("document.documentElement.scrollWidth") <= 390
    check_hiding(lab_page, name)
    if not AXE.exists():
        pytest.skip(
            "all was checked but what axe-core finds, which is not installed: "
            f"npm install --prefix {sys.prefix} axe-core"
        )


def grave_findings_in_both_themes(page):
    if not AXE.exists():
        return []
    page.evaluate(AXE.read_text(encoding="utf-8"))
    light = grave_findings(page)
    page.locator("#theme").click()
    page.wait_for_function("() => document.documentElement.dataset.theme === 'dark'")
    return light + grave_findings(page)


def check_hiding(page, name):
    """A teacher presents one exhibit and leaves out all its controls and sentences."""
    controls = page.locator("[data-control]").evaluate_all(
        "nodes => [...new Set(nodes.map((node) => node.dataset.control))]"
    )
    page.set_viewport_size({"width": 1920, "height": 1080})
    open_exhibit(page, name, f"&present&hide=look,attempt,{','.join(controls)}")
    shown = page.locator("[data-control]:visible, .look:visible, .attempt:visible")
    assert shown.evaluate_all("nodes => nodes.map((node) => node.outerHTML.slice(0, 90))") == []
    assert page.locator("header:visible, #contents:visible, .neighbours:visible").count() == 0
    assert page.locator("h1").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 1920


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed")
def test_what_is_wrong_is_found(lab_page):
    lab_page.open("?exhibit=quiz")
    lab_page.locator("[data-testid=option-0]").wait_for()
    lab_page.evaluate(AXE.read_text(encoding="utf-8"))
    lab_page.evaluate("document.querySelector('h1').append(document.createElement('button'))")
    assert [found["id"] for found in grave_findings(lab_page)] == ["button-name"]


FOCUSED = """() => {
  const node = document.activeElement, style = getComputedStyle(node);
  const reach = node.querySelector(".reach");
  const around = reach && getComputedStyle(reach).stroke !== "none";
  const ring = style.outlineStyle !== "none" || around;
  const name = node.getAttribute("aria-label") || node.labels?.[0]?.textContent || node.textContent
    || node.getAttribute("title") || "";
  return { at: node.tagName, rel: node.getAttribute("rel"), named: name.trim() !== "", ring: !!ring,
           inside: !!node.closest("main"), html: node.outerHTML.slice(0, 120) };
}"""
MOST_STOPS = 150


def walk_through(page):
    """Tab through an exhibit to the link to the next, or once around; what was met on the way.

    The body may have the focus for a moment, where what had it has given way to a new picture.
    """
    met = []
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        stop = page.evaluate(FOCUSED)
        if stop["at"] == "BODY":
            continue
        if met and stop["html"] == met[0]["html"]:
            return met
        met.append(stop)
        if stop["rel"] == "next":
            return met
    raise AssertionError(f"the keyboard is caught: {met[-3:]}")


def test_a_walk_through_the_lab_without_a_mouse(lab_page):
    lab_page.open(f"?exhibit={IDS[0]}")
    for k, name in enumerate(IDS):
        wait_for_exhibit(lab_page, name)
        met = walk_through(lab_page)
        faults = [stop["html"] for stop in met if not (stop["named"] and stop["ring"])]
        assert not faults, f"{name}: no name, or no sign of the focus: {faults}"
        assert any(stop["inside"] for stop in met), name
        if k + 1 < len(IDS):
            lab_page.keyboard.press("Enter")


@pytest.mark.parametrize(
    ("query", "usual"),
    [
        ("one-weight&f=cube", ("f", "square")),
        ("saddle&show=all", ("show-output", None)),
        ("swapped&pair=nobody&order=1", ("pair-optimum", None)),
        ("lift&part=none", ("part-cells", None)),
        ("columns&features=9", ("features-1", None)),
        ("sgd&optimizer=luck", ("optimizer", "adam")),
        ("limits&view=", ("view-error", None)),
    ],
    ids=str,
)
def test_what_an_address_says_that_cannot_be_gives_way_to_the_usual(lab_page, query, usual):
    name, value = usual
    lab_page.open(f"?exhibit={query}")
    control = lab_page.get_by_test_id(name)
    control.wait_for()
    assert control.is_checked() if value is None else control.input_value() == value
