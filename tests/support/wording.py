"""Names and phrases that the code does without, and how many of each are left: numbers that only
fall."""

import ast
import io
import re
import tokenize
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

# They say nothing about the value; there is a standard term for each.
VAGUE_NAMES = frozenset(["found", "own", "made", "held", "kept", "said", "told", "begun"])

# Write "depends on", "again", "whose" or two sentences, "result", "report" or "tell apart", "per
# lane and step", "predict", "ensures" and "applies only to".
PHRASES = re.compile(
    r"\b(?:(?:hangs?|hung) on|anew|of which|(?:comes?|came) to|told|a lane and step|foretells?"
    r"|sees? to it|is of [^.;:]{1,40} alone)\b",
    re.IGNORECASE,
)

# What is left per folder. A folder that is not named has none. Lower a number when you can.
NAMES_LEFT: Mapping[str, int] = {}
PHRASES_LEFT: Mapping[str, int] = {}
CLASSES_TWICE_LEFT = 0
STEMS_TWICE_LEFT = 0


def folder(path: Path) -> str:
    """The folder that a file is counted in: of the first level, in research/ of the second."""
    return "/".join(path.parts[: 2 if path.parts[0] == "research" and len(path.parts) > 2 else 1])


def vague_names(text: str) -> Iterator[str]:
    """The vague names that a file binds, with their lines."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            name = node.name
        elif isinstance(node, ast.arg):
            name = node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            name = node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            name = node.attr
        else:
            continue
        if name.strip("_") in VAGUE_NAMES:
            yield f"line {node.lineno}: {name}"


def phrases(text: str) -> Iterator[str]:
    """The phrases of a file's docstrings, messages and comments, with their lines."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            for match in PHRASES.finditer(" ".join(node.value.split())):
                yield f"line {node.lineno}: {match[0]}"
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            for match in PHRASES.finditer(token.string):
                yield f"line {token.start[0]}: {match[0]}"


def classes_twice(files: Iterable[Path]) -> dict[str, list[Path]]:
    """The names of public classes that several files define."""
    names: dict[str, list[Path]] = defaultdict(list)
    for path in files:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                names[node.name].append(path)
    return {name: paths for name, paths in names.items() if len(paths) > 1}


def stems_twice(files: Iterable[Path]) -> dict[str, list[Path]]:
    """The names that several files have."""
    names: dict[str, list[Path]] = defaultdict(list)
    for path in files:
        if not path.stem.startswith("__"):
            names[path.stem].append(path)
    return {name: paths for name, paths in names.items() if len(paths) > 1}


def too_many(uses: Mapping[str, list[str]], left: Mapping[str, int]) -> dict[str, list[str]]:
    """The folders with more uses than are left, and those uses."""
    return {name: each for name, each in uses.items() if len(each) > left.get(name, 0)}
