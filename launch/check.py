"""Runs the tests that every entry must pass on entries of your own.

Examples:
  python -m launch.check --plugin=my_net.py
  python -m launch.check --plugin=my_net.py my_net
"""

import sys
from collections.abc import Iterator, Sequence

import research.catalogue  # noqa: F401  (fills the registries)
from launch.cli import start
from research.errors import UserError, blamed, nearest
from research.plugin.file import place_of
from research.registry import ARCHITECTURES, Entry, Registry
from research.testing import conformance
from research.words import plural


def main(arguments: Sequence[str]) -> None:
    failed = 0
    for file, registry, entry in _entries(arguments):
        print(f"{registry.kind} {entry.name}", flush=True)
        reported: set[str] = set()
        for name, check in conformance.trials(registry.kind, entry).items():
            try:
                check()
            except Exception as error:
                # A check that breaks down has failed; the other checks still run.
                failed += 1
                line = _line(error, file, entry)
                print(f"  failed  {name}: {'as above' if line in reported else line}", flush=True)
                reported.add(line)
            else:
                print(f"  passed  {name}", flush=True)
    if failed:
        print(f"{plural(failed, 'check')} failed", file=sys.stderr)
        sys.exit(1)


def _line(error: Exception, file: str, entry: Entry) -> str:
    """What is wrong, and in which line of a plugin's file: the one that raised it, or else the
    part's own."""
    text = next(iter(str(error).strip().splitlines()), "")
    kind = "" if text and isinstance(error, AssertionError | UserError) else type(error).__name__
    message = ": ".join(filter(None, (kind, text)))
    if not file:
        return message
    raised, _, _ = blamed(error, [file]).partition(": ")
    return f"{raised or place_of(file, entry.name)}: {message}"


def _entries(arguments: Sequence[str]) -> Iterator[tuple[str, Registry, Entry]]:
    """What the plugins have added, with the file of each; and the architectures that are named."""
    if not (start.ADDED or arguments):
        raise UserError(
            "say what to check: --plugin=FILE, or architectures;"
            f" {nearest('', ARCHITECTURES.names())}"
        )
    yield from start.ADDED
    for name in arguments:
        if name.endswith(".py"):
            raise UserError(f"'{name}' is a file; write --plugin={name}")
        yield "", ARCHITECTURES, ARCHITECTURES.get(name)


if __name__ == "__main__":
    start.run(main, saves=False, words=True)
