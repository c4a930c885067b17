"""The former place of `tests.support.command_lines`."""

from tests.support.command_lines import *  # noqa: F403
