"""Measures the house: ``python tests/house.py [ROOT]`` prints one line a number.

ROOT is a checkout, this one unless given, so that two states of the repository are counted alike.
Every import counts as an arrow, wherever in a file it stands: at its top, inside a function, or for
types only. The test of the architecture reads the same arrows.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

COMPLEX = 10
"""Functions above this cyclomatic complexity (McCabe 1976) are counted."""
PARAMETERS = 8
"""Functions with more parameters than this are counted."""
BLOCK = 6
"""So many equal lines of code in two places are a duplicated block."""

Function = ast.FunctionDef | ast.AsyncFunctionDef
BRANCHES = (
    *(ast.If, ast.For, ast.While, ast.IfExp, ast.ExceptHandler),
    *(ast.comprehension, ast.Assert, ast.match_case),
)


@dataclass(frozen=True)
class House:
    """The modules of a package, read and parsed."""

    package: Path

    @cached_property
    def paths(self) -> dict[str, Path]:
        """Files by module name without the package's: ``losses.huber``; "" is the package."""
        return {self.name(path): path for path in sorted(self.package.rglob("*.py"))}

    def name(self, path: Path) -> str:
        """The module name of a file."""
        parts = path.relative_to(self.package).with_suffix("").parts
        return ".".join(part for part in parts if part != "__init__")

    @cached_property
    def trees(self) -> dict[str, ast.Module]:
        """The syntax trees by module name."""
        return {
            name: ast.parse(path.read_text(encoding="utf-8")) for name, path in self.paths.items()
        }

    @cached_property
    def imports(self) -> dict[str, set[str]]:
        """Every module that each one names in an import, with its package's name in front."""
        return {
            name: set().union(*(self.named(name, node) for node in ast.walk(tree)))
            for name, tree in self.trees.items()
        }

    def named(self, here: str, node: ast.AST) -> set[str]:
        """The modules that one statement imports; a package counts where nothing in it is named."""
        if isinstance(node, ast.Import):
            return {alias.name for alias in node.names}
        if not isinstance(node, ast.ImportFrom):
            return set()
        base = node.module or ""
        if node.level:
            parts = [self.package.name, *here.split(".")]
            depth = node.level - (self.paths[here].name == "__init__.py")
            base = ".".join([*parts[: len(parts) - depth], *base.split(".")]).rstrip(".")
        inner = {f"{base}.{alias.name}" for alias in node.names}
        modules = {name for name in inner if name.partition(".")[2] in self.paths}
        return modules if len(modules) == len(inner) else modules | {base}

    @cached_property
    def arrows(self) -> dict[str, set[str]]:
        """The modules of the package itself that each module imports."""
        own = f"{self.package.name}."
        return {
            name: {other.removeprefix(own) for other in imports if other.startswith(own)}
            & self.paths.keys() - {name}
            for name, imports in self.imports.items()
        }

    @cached_property
    def circles(self) -> list[list[str]]:
        """Modules that reach each other along arrows."""
        reach = {name: self.reached(name) for name in self.arrows}
        groups = {
            tuple(sorted(other for other in reach[name] if name in reach[other]))
            for name in reach
            if name in reach[name]
        }
        return sorted(map(list, groups))

    def reached(self, name: str) -> set[str]:
        """Everything that a module imports, directly or through others."""
        found, ahead = set[str](), list(self.arrows[name])
        while ahead:
            following = ahead.pop()
            if following not in found:
                found.add(following)
                ahead += self.arrows[following]
        return found

    @cached_property
    def functions(self) -> list[tuple[str, Function]]:
        """All functions with the modules that they stand in."""
        return [
            (name, node)
            for name, tree in self.trees.items()
            for node in ast.walk(tree)
            if isinstance(node, Function)
        ]

    def inner_imports(self, name: str) -> list[str]:
        """The functions of a module that import something of the package."""
        own = self.package.name
        return [
            function.name
            for module, function in self.functions
            if module == name
            for node in ast.walk(function)
            if any(f"{other}.".startswith(f"{own}.") for other in self.named(name, node))
        ]

    def code(self, name: str) -> list[str]:
        """The lines of code of a module: no blank lines, comments, docstrings or imports."""
        left_out = set[int]()
        for node in ast.walk(self.trees[name]):
            text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            if text or isinstance(node, ast.Import | ast.ImportFrom):
                left_out |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
        lines = self.paths[name].read_text(encoding="utf-8").splitlines()
        kept = [line.strip() for i, line in enumerate(lines, 1) if i not in left_out]
        return [line for line in kept if line and not line.startswith("#")]

    @cached_property
    def duplicates(self) -> int:
        """Blocks of code that stand in two places; overlapping ones count once."""
        windows = {
            name: [tuple(code[i : i + BLOCK]) for i in range(len(code) - BLOCK + 1)]
            for name, code in ((name, self.code(name)) for name in self.paths)
        }
        often = Counter(window for found in windows.values() for window in found)
        return sum(
            often[window] > 1 and (i == 0 or often[found[i - 1]] == 1)
            for found in windows.values()
            for i, window in enumerate(found)
        )


def complexity(function: Function) -> int:
    """The number of ways through a function: one more than its branches."""
    nodes = list(ast.walk(function))
    both = sum(len(node.values) - 1 for node in nodes if isinstance(node, ast.BoolOp))
    return 1 + both + sum(isinstance(node, BRANCHES) for node in nodes)


def parameters(function: Function) -> int:
    """The number of named parameters."""
    arguments = function.args
    return len(arguments.posonlyargs) + len(arguments.args) + len(arguments.kwonlyargs)


def measures(house: House) -> Iterator[tuple[str, object]]:
    """What is counted, by name."""
    ways = [(complexity(function), name, function.name) for name, function in house.functions]
    above = [way for way in ways if way[0] > COMPLEX]
    yield "files", len(house.paths)
    yield "lines", sum(len(path.read_text().splitlines()) for path in house.paths.values())
    yield "lines of code", sum(len(house.code(name)) for name in house.paths)
    yield "import circles", len(house.circles)
    yield "files in circles", sum(map(len, house.circles))
    yield "imports inside functions", sum(len(house.inner_imports(name)) for name in house.paths)
    yield f"functions above complexity {COMPLEX}", len(above)
    yield "  of these in the checker", sum("checker" in name for _, name, _ in above)
    yield (
        f"functions with more than {PARAMETERS} parameters",
        sum(parameters(function) > PARAMETERS for _, function in house.functions),
    )
    yield (
        "Any",
        sum(
            isinstance(node, ast.Name) and node.id == "Any"
            for tree in house.trees.values()
            for node in ast.walk(tree)
        ),
    )
    yield f"duplicated blocks of {BLOCK} lines", house.duplicates
    for circle in house.circles:
        yield "circle", " ".join(circle)
    for ways_through, name, function_name in sorted(above, reverse=True)[:10]:
        yield "most complex", f"{ways_through} {name}.{function_name}"


if __name__ == "__main__":
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1]
    for label, value in measures(House(root / "cvxnet")):
        print(f"{label:40} {value}")
