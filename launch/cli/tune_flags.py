"""The flags of launch.tune: what is tuned, how it is searched, and what is reported."""

from absl import flags

from launch.cli import start
from research.sweeps.tuning.pruners import PRUNERS
from research.sweeps.tuning.trial_samplers import SAMPLERS
from research.sweeps.tuning.tuner import Budget

SAMPLE = flags.DEFINE_multi_string(
    "sample",
    [],
    "an axis: 'learning_rate=log(1e-4,1)', 'optimizer.momentum=uniform(0,0.99) if optimizer=sgd'",
)
SAMPLER = flags.DEFINE_enum("sampler", "tpe", SAMPLERS, "how the settings of a trial are drawn")
TRIALS = flags.DEFINE_integer(
    "trials", 100, "number of trials; with --per_arm per arm", lower_bound=1
)
PARALLEL = flags.DEFINE_integer(
    "parallel", 16, "trials that are drawn at once and train as lanes", lower_bound=1
)
PRUNER = flags.DEFINE_enum(
    "pruner", None, PRUNERS, "stops poor trials early; new trials take their lanes"
)
SAMPLE_SEED = flags.DEFINE_integer("sample_seed", 0, "seed of the drawn settings", lower_bound=0)
REPORT_SEEDS = flags.DEFINE_integer(
    "report_seeds", 10, "number of fresh seeds for the report of the best settings", lower_bound=1
)
EXPERIMENT = start.define_name(
    "experiment", None, "a declared table whose arms are tuned, with --per_arm"
)
PER_ARM = flags.DEFINE_bool(
    "per_arm", False, "tune each arm of the --experiment, with the same budget"
)
NAME = start.define_name(
    "name", None, "name of the tuning and its journal; none: a digest of the flags"
)


def budget() -> Budget:
    """How much is searched, and how."""
    return Budget(SAMPLER.value, TRIALS.value, PARALLEL.value, PRUNER.value, SAMPLE_SEED.value)
