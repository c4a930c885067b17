"""Prints a list of the catalogue, or the description of one entry.

Examples:
  python -m launch.list regularizers
  python -m launch.list resnet
"""

from collections.abc import Sequence

import research.catalogue  # noqa: F401  (fills the registries)
from launch.cli import catalogue_text, start
from launch.cli.planner import DATA_DIR
from research import messages
from research.errors import UserError, nearest
from research.sweeps.declare.catalogue_lists import LISTS


def main(arguments: Sequence[str]) -> None:
    if not arguments:
        raise UserError(f"name a list, or an entry; {nearest('', LISTS)}")
    if len(arguments) > 1:
        raise UserError(f"give one list or name; leave '{arguments[1]}' out")
    messages.show("\n".join(catalogue_text.lines(arguments[0], DATA_DIR.value)))


if __name__ == "__main__":
    start.run(main, saves=False, words=True)
