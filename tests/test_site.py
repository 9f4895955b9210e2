"""The site as `make docs` built it: opened from its folder, by anybody, on any screen."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

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
    "reference": "reference/index.html",
    "function": "reference/generated/cvxnet.train.html",
    "findings": "findings/experiments.html",
    "lecture": "teaching/lecture.html",
    "glossary": "glossary.html",
}
"""A page of each kind."""
SCREENS = {"phone": {"width": 390, "height": 844}, "desk": {"width": 1440, "height": 900}}
FIVE = [
    # what a newcomer asks, the links that lead there, and what stands there
]


@pytest.fixture(scope="module")
def site():
    if not (SITE / "index.html").is_file():
        pytest.skip("no site here: make docs builds it")
    return SITE


@pytest.fixture
def opened(site, chromium):
    """A function that opens a page and returns it; afterwards nothing from outside was asked."""
    made, asked, said = [], [], []

    def open_page(path, screen="desk", scheme="light"):
        page = chromium.new_page(viewport=SCREENS[screen], color_scheme=scheme)
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
    pages = {path: path.read_text("utf-8") for path in site.glob("**/*.html")}
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


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_page_fits_the_screen_and_asks_for_nothing(kind, screen, scheme, opened):
    page = opened(KINDS[kind], screen, scheme)
    page.locator("h1").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= SCREENS[screen]["width"]
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    light = sum(map(int, re.findall(r"\d+", background)[:3])) > 3 * 128
    assert light == (scheme == "light")


@pytest.mark.parametrize("word", ["certificate", "weight decay", "train"])
def test_search_finds(word, opened):
    page = opened(f"search.html?q={word.replace(' ', '+')}")
    page.locator("#search-results li a").first.wait_for()
    assert page.locator("#search-results li a").count() > 3
