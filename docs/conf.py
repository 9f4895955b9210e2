"""The site: ``make docs`` builds it into docs/_build/html, without a network."""

import contextlib
import io
import os
from importlib import metadata, util
from pathlib import Path

from matplotlib.figure import Figure
from numpydoc.xref import DEFAULT_LINKS
from sphinx.application import Sphinx
from sphinx_gallery.sorting import ExplicitOrder, NumberOfCodeLinesSortKey

import cvxnet
from cvxnet import plots
from cvxnet.cli import main
from cvxnet.cli.app import COMMANDS
from cvxnet.plots import save_figure

project = "cvxnet"
author = "the cvxnet developers"
project_copyright = "the cvxnet developers; code Apache-2.0, teaching material CC-BY-4.0"
version = release = metadata.version("cvxnet")
language = "en"
smartquotes = False  # what stands in quotes is mostly code
toc_object_entries_show_parents = "hide"

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
templates_path = ["_templates"]
exclude_patterns = ["_templates", "_build", "gallery"]
suppress_warnings = ["config.cache"]  # the sort key of the gallery is a class

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath", "html_image"]
myst_heading_anchors = 3

default_role = "py:obj"  # names in single backticks are links where they are public
autosummary_generate = True
autodoc_typehints = "none"  # numpydoc's sections say more
numpydoc_show_class_members = False
numpydoc_xref_param_type = True
numpydoc_xref_ignore = "all"  # but for these
numpydoc_xref_aliases = {
    name: f"{home.__name__}.{name}"
    for home in (plots, cvxnet)
    for name in home.__all__
    if isinstance(getattr(home, name), type)
}
DEFAULT_LINKS.clear()  # they lead to other sites


def figures_of(block: tuple, block_vars: dict, gallery_conf: dict) -> str:
    """A scraper for the gallery: the figure that the last line of a block returns, as SVG.

    Figures of cvxnet are matplotlib's, but unknown to pyplot, so that nothing has to be closed.
    """
    names = block_vars["example_globals"]
    figure, names["___"] = names.get("___"), None  # the next block may return nothing
    if not isinstance(figure, Figure):
        return ""
    path = Path(next(block_vars["image_path_iterator"])).with_suffix(".svg")
    save_figure(figure, path)
    axes = figure.axes[0]
    titled = figure.get_suptitle() or axes.get_title("left")
    told = titled or f"{axes.get_ylabel()} over {axes.get_xlabel()}"
    shown = {
        "alt": " ".join(told.split()).replace("\\", ""),
        "class": "sphx-glr-single-img",
        "width": f"{figure.get_figwidth():.2f}in",  # with it the picture is a link to its file
    }
    place = path.relative_to(gallery_conf["src_dir"]).as_posix()
    options = [f"   :{name}: {value}" for name, value in shown.items()]
    return "\n".join([f".. image:: /{place}", *options, ""])


HOW_TO_CALL = """\
What `cvxnet COMMAND --help` prints. Calls to copy, exit codes and what `--json` prints stand with
[the commands at work](../../how-to/csv.md#all-commands)."""
os.environ["COLUMNS"] = "80"  # of the help, whatever terminal this is
SECTIONS = ["convexity", "lift", "training", "proof", "comparison", "use"]
"""Of the gallery, in the order in which a reader learns."""
sphinx_gallery_conf = {
    "examples_dirs": "gallery",
    "gallery_dirs": "auto_gallery",
    "filename_pattern": r"\.py$",
    "subsection_order": ExplicitOrder([f"gallery/{name}" for name in SECTIONS]),
    "within_subsection_order": NumberOfCodeLinesSortKey,
    "doc_module": ("cvxnet",),
    "backreferences_dir": "reference/backreferences",
    "reference_url": {"cvxnet": None},
    "image_scrapers": (figures_of,),
    "remove_config_comments": True,
    "show_memory": False,
    "show_signature": False,
    "min_reported_time": 3600,  # times are another on every machine
    "write_computation_times": False,
    "capture_repr": (),
}

html_theme = "pydata_sphinx_theme"
html_title = "cvxnet"
MATHJAX = Path(util.find_spec("sphinx-mathjax-offline").origin).parent / "static"
html_static_path = ["_static", str(MATHJAX), "certificates/second-checker.js"]
mathjax_path = "mathjax/tex-chtml.js"  # from the site itself, not from a server
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_show_sourcelink = False
html_show_search_summary = False  # reading other pages is refused where the site is a folder
TABLES = ("closes", "times", "compare", "estimators", "networks", "seed-claims")
WIDE = [f"findings/{name}" for name in TABLES]
"""Pages whose tables need the room of the page's own contents."""
html_theme_options = {
    "header_links_before_dropdown": 7,
    "navbar_align": "left",
    "navigation_with_keys": False,
    "search_bar_text": "Search",
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": {"**": ["page-toc"], "index": []} | {page: [] for page in WIDE},
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_sidebars = {"index": [], "glossary": [], "citing": [], "changelog": []}


def write_commands(app: Sphinx) -> None:
    """The page of the commands: what ``cvxnet NAME --help`` prints."""
    parts = ["# The command line", HOW_TO_CALL]
    for name, about in COMMANDS.items():
        with contextlib.redirect_stdout(io.StringIO()) as printed, contextlib.suppress(SystemExit):
            main([name, "--help"])
        parts.append(f"## `cvxnet {name}`\n\n{about}\n\n```text\n{printed.getvalue().strip()}\n```")
    page = Path(app.srcdir, "reference", "generated", "command-line.md")
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def setup(app: Sphinx) -> None:
    """Before Sphinx looks which pages there are."""
    app.connect("builder-inited", write_commands, priority=1)
