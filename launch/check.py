"""Runs the tests that every entry must pass on entries of your own.

Examples:
  python -m launch.check --plugin=my_net.py
  python -m launch.check --plugin=my_net.py my_net
"""

import sys
from collections.abc import Iterator, Sequence

import research.catalogue  # noqa: F401  (fills the registries)
from launch.cli import start
from research import messages
from research.errors import UserError, nearest
from research.plugin.file import failure
from research.registry import ARCHITECTURES, Entry, Registry
from research.testing import conformance
from research.words import plural


def main(arguments: Sequence[str]) -> None:
    failed = 0
    for file, registry, entry in _entries(arguments):
        messages.show(f"{registry.kind} {entry.name}")
        reported: set[str] = set()
        for name, check in conformance.trials(registry.kind, entry).items():
            try:
                check()
            except Exception as error:
                # A check that breaks down has failed; the other checks still run.
                failed += 1
                line = failure(error, file, entry.name)
                messages.show(f"  failed  {name}: {'as above' if line in reported else line}")
                reported.add(line)
            else:
                messages.show(f"  passed  {name}")
    if failed:
        messages.say(f"{plural(failed, 'check')} failed")
        sys.exit(1)


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
