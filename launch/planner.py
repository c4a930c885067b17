"""The planner of the command line: data from --data_dir, kept decoded in --cache_dir."""

from launch.flags import DATA_DIR, store
from launch.start import CACHE_DIR
from research.data.source import open_source
from research.sweeps.parameters import Parameters
from research.sweeps.plan import Planner


def planner() -> Planner:
    """A planner that opens data where the flags say."""
    return Planner(
        lambda config: open_source(
            config.dataset.name, dict(config.dataset.options), data_dir=DATA_DIR.value, cache_dir=CACHE_DIR.value
        ),
        Parameters(store()),
    )
