"""``python -m experiments NAME [options]`` runs one of them; ``python -m experiments list``."""

import ast
import runpy
import sys
from pathlib import Path

HERE = Path(__file__).parent


def experiments() -> dict[str, str]:
    """Names, with the first line of what each says about itself."""
    files = {path.stem: path for path in HERE.glob("[a-z]*.py")}
    files |= {path.parent.name: path for path in HERE.glob("*/__init__.py")}
    parsed = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in files.items()}
    return {name: (ast.get_docstring(tree) or "").split("\n")[0] for name, tree in parsed.items()}


def main() -> int:
    """Run the experiment that was named, with the options after its name."""
    known = experiments()
    name = sys.argv[1] if len(sys.argv) > 1 else "list"
    if name in known:
        sys.argv = [f"python -m experiments {name}", *sys.argv[2:]]
        runpy.run_module(f"experiments.{name}", run_name="__main__", alter_sys=True)
        return 0
    width = max(map(len, known))
    print("\n".join(f"{key:{width}}  {known[key]}" for key in sorted(known)))
    return 0 if name in ("list", "-h", "--help") else 2


if __name__ == "__main__":
    sys.exit(main())
