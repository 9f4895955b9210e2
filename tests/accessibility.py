"""What axe-core says of a page; it lies where ``npm install --prefix VENV axe-core`` puts it."""

import sys
from pathlib import Path

AXE = Path(sys.prefix) / "node_modules" / "axe-core" / "axe.min.js"
GRAVE = ("serious", "critical")
FINDINGS = """async () => (await axe.run(document, { resultTypes: ["violations"] })).violations
  .map((v) => ({ id: v.id, impact: v.impact, help: v.help,
                 nodes: v.nodes.map((n) => n.html.slice(0, 160) + (n.any[0]?.message ?? "")) }))"""


def grave_findings(page):
    return [found for found in page.evaluate(FINDINGS) if found["impact"] in GRAVE]
