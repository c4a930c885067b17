"""An environment as a data set: its rows are the episodes that evaluation plays."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import numpy as np

from research import identity
from research.data.environments.world import World
from research.data.features.label import Label
from research.data.features.observation import Observed
from research.data.spec import Arrays, DataSpec
from research.options import Count, format_value, option, options_of
from research.registry import Environment

EPISODES = option(
    "episodes", Annotated[Count, "episodes that evaluation plays, in validation and in test"], 64
)


@dataclasses.dataclass(frozen=True)
class CollectedSource:
    """The spec of an environment, and the numbers of its episodes."""

    spec: DataSpec
    names: tuple[str, ...] = ()

    def arrays(self) -> Arrays:
        """x: the numbers of the episodes, int32 [N]: first those of validation, then the test's."""
        numbers = np.arange(self.spec.size, dtype=np.int32)
        return Arrays(numbers, np.zeros_like(numbers), numbers[-self.spec.test_size :])


def environment(
    name: str,
    world: Callable[..., World],
    summary: str,
    paper: str = "",
    test_options: Mapping[str, Any] | None = None,
    test_settings: Mapping[str, Any] | None = None,
) -> Environment:
    """A registry entry for an environment.

    Args:
        name: the data set's name.
        world: builds the World; its parameters are options. Floats may differ between lanes of one
            program, so they may be tracers and shape nothing.
        summary: a line of help.
        paper: the source.
        test_options: the small setting that tests use.
        test_settings: what tests set beside it.
    """
    options = (*options_of(world), EPISODES)

    def opened(
        *, data_dir: str | None, cache_dir: str, episodes: int = EPISODES.default, **given: Any
    ) -> CollectedSource:
        built = world(**given)
        static = {key: format_value(value) for key, value in sorted(given.items())}
        numeric = {each.name for each in options if each.numeric}
        shaping = {key: value for key, value in static.items() if key not in numeric}
        spec = DataSpec(
            name=name,
            task="control",
            inputs=Observed(built.observation),
            targets=Label(names=built.actions),
            size=2 * episodes,
            test_size=episodes,
            # The numbers differ between the lanes of a program, and are settings of the run.
            fingerprint=f"{name}-{identity.digest([shaping, episodes])}",
        )
        return CollectedSource(spec)

    return Environment(
        name,
        opened,
        summary,
        paper,
        options=options,
        test_options=test_options or {},
        test_settings=test_settings or {},
        world=world,
    )
