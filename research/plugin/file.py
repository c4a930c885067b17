"""A plugin's file: it is run once, and what it adds to the catalogue gets its checksum as its
version."""

import ast
import dataclasses
import importlib.util
import os
import sys
import traceback
import zlib
from pathlib import Path
from typing import Any

from research import registry
from research.errors import UserError, blamed
from research.plugin.declaration import snake
from research.registry import Entry, Registry

# Read off the module, so that a new registry needs no mention here.
REGISTRIES: tuple[Registry[Any], ...] = tuple(
    value for value in vars(registry).values() if isinstance(value, Registry)
)


def load(path: str) -> list[tuple[Registry[Any], Entry]]:
    """Runs a file, and returns what it has added to the catalogue.

    The version of each entry is a checksum of the file, so that the runs of a changed file are
    trained again. Raises UserError if the file does not exist, fails, adds nothing, or adds a name
    that is taken.
    """
    file = Path(path)
    # Unlike Path, os.path takes a name that is too long for one that is not there.
    if not os.path.isfile(path):
        raise UserError(f"--plugin={path}: there is no such file")
    # A difference of names, since a file may add entries without our decorators.
    before = {kind.plural: set(kind.names()) for kind in REGISTRIES}
    _run(file)
    # The file as a whole: an entry may depend on any line of it.
    version = zlib.crc32(file.read_bytes())
    added: list[tuple[Registry[Any], Entry]] = []
    for kind in REGISTRIES:
        for name in sorted(set(kind.names()) - before[kind.plural]):
            added.append((kind, kind.replace(dataclasses.replace(kind.get(name), version=version))))
    if not added:
        raise UserError(
            f"--plugin={path} adds nothing to the catalogue; decorate a module with"
            " @architecture(...)"
        )
    return added


def place_of(file: str, name: str) -> str:
    """`FILE, line N`: where a plugin defines the entry of that name; the file alone if it does so
    in another way."""
    for node in ast.walk(ast.parse(Path(file).read_text())):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and name in (
            node.name,
            snake(node.name),
        ):
            return f"{file}, line {node.lineno}"
    return file


def _run(file: Path) -> None:
    spec = importlib.util.spec_from_file_location(f"plugin_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise UserError(f"--plugin={file} is not a Python file; its name must end in .py")
    module = importlib.util.module_from_spec(spec)
    # Before it runs, as an import does: dataclasses look their module up there.
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except UserError as error:
        # The innermost frame within the file; those below it are the library's.
        frames = [
            frame
            for frame in traceback.extract_tb(error.__traceback__)
            if frame.filename == str(file)
        ]
        line = f", line {frames[-1].lineno}" if frames else ""
        raise UserError(f"--plugin={file}{line}: {error}") from None
    except Exception as error:
        reason = blamed(error, [str(file)]) or f"{file}: {type(error).__name__}: {error}"
        raise UserError(f"--plugin={reason}") from None


def failure(error: Exception, file: str, name: str) -> str:
    """What is wrong with a part, and on which line of its plugin: the one that raised, or else the
    part's own.

    Args:
        error: what a check of the part raised.
        file: the plugin; "" for a part of this package.
        name: of the part.
    """
    text = next(iter(str(error).strip().splitlines()), "")
    kind = "" if text and isinstance(error, AssertionError | UserError) else type(error).__name__
    message = ": ".join(filter(None, (kind, text)))
    if not file:
        return message
    raised, _, _ = blamed(error, [file]).partition(": ")
    return f"{raised or place_of(file, name)}: {message}"
