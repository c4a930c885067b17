"""The former place of `tests.support.records`."""

from tests.support.records import *  # noqa: F403
