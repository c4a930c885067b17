"""Prints a script that completes programs, flags and names in bash or zsh.

Examples:
  python -m launch.completion bash > ~/.launch-completion.bash && source ~/.launch-completion.bash
  python -m launch.completion zsh > ~/.launch-completion.zsh && source ~/.launch-completion.zsh
"""

from collections.abc import Sequence

from launch.cli import start
from launch.cli.completion_script import SHELLS, script
from research.errors import UserError, nearest


def main(arguments: Sequence[str]) -> None:
    if len(arguments) != 1 or arguments[0] not in SHELLS:
        asked = arguments[0] if arguments else ""
        raise UserError(f"name one shell; {nearest(asked, SHELLS)}")
    print(script(arguments[0]))


if __name__ == "__main__":
    start.run(main, saves=False, words=True)
