"""The form of docstrings: `Args:` names each parameter of a function that has three or more."""

import ast
import functools
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

from research import registry
from research.registry import Registry
from research.sweeps.declare.designs import DESIGNS

FROM = 3

# Files that do not keep the rule yet: nothing is added, and a file leaves with its last breach.
EXCUSED: frozenset[str] = frozenset()


@functools.cache
def described_elsewhere() -> frozenset[tuple[str, str]]:
    """Module and name of the builders of registry entries, whose options carry their own help, and
    of their constraints, whose arguments `Entry` describes."""
    functions = [
        inspect.unwrap(function.func if isinstance(function, functools.partial) else function)
        for kind in (*vars(registry).values(), DESIGNS)
        if isinstance(kind, Registry)
        for entry in kind
        for function in (entry.build, *entry.constraints)
    ]
    return frozenset((f.__module__, f.__qualname__) for f in functions if inspect.isfunction(f))


def breaches(path: Path, module: str) -> Iterator[str]:
    """The public functions of a file that leave parameters undescribed, with their lines."""
    yield from _breaches(ast.parse(path.read_text()), module, "")


def _breaches(scope: ast.AST, module: str, inside: str) -> Iterator[str]:
    for node in ast.iter_child_nodes(scope):
        name = f"{inside}{getattr(node, 'name', '')}"
        if name.rpartition(".")[2].startswith("_"):
            continue
        if isinstance(node, ast.ClassDef):
            yield from _breaches(node, module, f"{name}.")
        elif isinstance(node, ast.FunctionDef) and (module, name) not in described_elsewhere():
            parameters = _parameters(node, in_class=bool(inside))
            left = set(parameters) - described(ast.get_docstring(node) or "")
            if len(parameters) >= FROM and left:
                yield f"line {node.lineno}: {name} leaves {', '.join(sorted(left))} undescribed"


def _parameters(function: ast.FunctionDef, *, in_class: bool) -> list[str]:
    """The names of the parameters, without self or cls, `*args` and `**kwargs`."""
    arguments = function.args
    names = [a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    static = any(
        isinstance(decorator, ast.Name) and decorator.id == "staticmethod"
        for decorator in function.decorator_list
    )
    return names[1:] if in_class and not static else names


def described(document: str) -> set[str]:
    """The parameters that the section `Args:` of a docstring describes: `a: …` or `a, b: …`."""
    section = re.search(r"^Args:\n((?: .*\n?|\n)+)", document, re.MULTILINE)
    if section is None:
        return set()
    heads = re.findall(r"^ {4}(\w+(?:, \w+)*):", section[1], re.MULTILINE)
    return {name for head in heads for name in head.split(", ")}
