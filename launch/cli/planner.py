"""The planner of the command line: data from --data_dir, kept decoded in --cache_dir."""

import research.catalogue  # noqa: F401  (fills the registries)
from launch.cli.records import store
from launch.cli.start import CACHE_DIR, define_name
from research.config import RunConfig
from research.data.source import open_source
from research.data.spec import Source
from research.sweeps.plan.run_planner import Planner
from research.sweeps.records.saved_parameters import Parameters

DATA_DIR = define_name(
    "data_dir", None, "prepared TFDS sets; none: $TFDS_DATA_DIR, else ~/tensorflow_datasets"
)


def opened(config: RunConfig) -> Source:
    """The data of a config, where the flags say."""
    name, options, task = config.dataset.name, dict(config.dataset.options), config.task
    return open_source(name, options, data_dir=DATA_DIR.value, cache_dir=CACHE_DIR.value, task=task)


def planner() -> Planner:
    """A planner that opens data where the flags say."""
    return Planner(opened, Parameters(store()))
