"""The site as `make docs` built it: opened from its folder, by anybody, on any screen."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from accessibility import AXE, grave_findings
from conftest import PATIENCE

pytestmark = pytest.mark.documentation

ROOT = Path(__file__).parents[1]
SITE = ROOT / "docs" / "_build" / "html"
KINDS = {
    "start": "index.html",
    "tutorial": "tutorials/train.html",
    "how-to": "how-to/weight-decay.html",
    "gallery": "auto_gallery/index.html",
    "example": "auto_gallery/training/plot_solution.html",
    "explanation": "explanation/theorem.html",
    "format": "certificates/format.html",
    "second checker": "certificates/second-checker.html",
    "reference": "reference/index.html",
    "function": "reference/generated/cvxnet.train.html",
    "findings": "findings/experiments.html",
    "lecture": "teaching/lecture.html",
    "glossary": "glossary.html",
}
"""A page of each kind."""
SCREENS = {"phone": {"width": 390, "height": 844}, "desk": {"width": 1440, "height": 900}}
QUESTIONS = {
    "Which weight decay should I take?": ["Which weight decay?"],
    "Why did the bracket not close?": ["Why is my bracket open?"],
    "What does a certificate file hold?": ["Why should I believe it?", "The format"],
    "How do I get a torch network in?": ["How do I bring my torch network?"],
    "What are the arguments of train?": ["API reference", "cvxnet.train"],
    "How do I see all optimal networks?": ["What does it look like?", "Many networks, one value"],
    "Whom do I cite?": ["More", "How to cite"],
}
"""What newcomers ask, and the links that they follow from the start, at most two."""


@pytest.fixture(scope="module")
def site():
    if not (SITE / "index.html").is_file():
        pytest.skip("no site here: make docs builds it")
    return SITE


@pytest.fixture
def opened(site, chromium):
    """A function that opens a page and returns it; afterwards nothing from outside was asked."""
    made, asked, said = [], [], []

    def open_page(path, scheme="light"):
        page = chromium.new_page(viewport=SCREENS["desk"], color_scheme=scheme)
        page.set_default_timeout(PATIENCE)
        page.on("request", lambda r: asked.append(r.url) if r.url.startswith("http") else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        path, _, rest = path.partition("?")
        page.goto((site / path).as_uri() + (f"?{rest}" if rest else ""))
        made.append(page)
        return page

    yield open_page
    for page in made:
        page.close()
    assert asked == [] and said == []


def links_of(path):
    """Of a page: where its links and what it loads lie."""
    html = re.sub(r"<script(?! src).*?</script>", "", path.read_text("utf-8"), flags=re.S)
    return [unquote(each) for each in re.findall(r'<[^>]+\s(?:href|src)="([^"]*)"', html)]


def test_every_link_leads_somewhere(site):
    paths = [path for path in site.glob("**/*.html") if "_static" not in path.parts]
    pages = {path: path.read_text("utf-8") for path in paths}
    anchors = {
        path: set(re.findall(r'\s(?:id|name)="([^"]+)"', html)) for path, html in pages.items()
    }
    lost = []
    for path in pages:
        for link in links_of(path):
            if re.match(r"[a-z]+:", link):
                continue
            target, _, anchor = link.partition("#")
            goal = (path.parent / target.split("?")[0]).resolve() if target else path
            if not goal.is_file() or (anchor and goal in anchors and anchor not in anchors[goal]):
                lost.append((str(path.relative_to(site)), link))
    assert len(pages) > 50 and lost == []


def is_light(page):
    """Whether the page is dark on light."""
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return sum(map(int, re.findall(r"\d+", background)[:3])) > 3 * 128


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_page_is_for_everybody(kind, scheme, opened):
    """It fits a desk and a phone, follows the reader's theme, and a screen reader can read it."""
    page = opened(KINDS[kind], scheme)
    page.locator("h1").first.wait_for()
    assert is_light(page) == (scheme == "light")
    for size in SCREENS.values():
        page.set_viewport_size(size)
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    if not AXE.exists():
        pytest.skip("all was checked but what axe-core finds, which is not installed")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    assert grave_findings(page) == []


@pytest.mark.parametrize("word", ["certificate", "weight decay", "train"])
def test_search_finds(word, opened):
    page = opened(f"search.html?q={word.replace(' ', '+')}")
    page.locator("#search-results li a").nth(3).wait_for()  # they are listed one after another


def follow(page, link):
    before = page.url
    link.click()
    page.wait_for_url(lambda url: url != before)


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_is_answered_in_two_clicks(question, opened):
    page = opened("index.html")
    links = QUESTIONS[question]
    assert len([link for link in links if link != "More"]) <= 2
    for link in links:
        if link == "More":
            page.get_by_role("button", name="More").first.click()
            continue
        named = page.get_by_role("link", name=link, exact=True)
        follow(page, named.and_(page.locator(":visible")).first)
    assert page.locator("h1").first.inner_text().strip("#").strip() == links[-1]
