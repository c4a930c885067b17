"""The flags of launch.verify: which runs, how much of each, and how they are drawn."""

from absl import flags

from launch.cli import start

RUN = flags.DEFINE_string(
    "run", None, "the run to verify: its id, the beginning of it, its --name or a tag"
)
STEPS = flags.DEFINE_integer(
    "steps", None, "only its first steps, to the end of their epoch", lower_bound=1
)
LOCALIZE = flags.DEFINE_bool(
    "localize", False, "if it differs, train it twice more to name the step and the array"
)
EXPERIMENT = flags.DEFINE_string("experiment", None, "verify recorded runs of this declared table")
NAME = start.define_name("name", None, "verify recorded runs of the sweep of this name")
SAMPLE = flags.DEFINE_integer(
    "sample",
    None,
    "verify this many runs of an experiment or a sweep, drawn at random; none: all",
    lower_bound=1,
)
SAMPLE_SEED = flags.DEFINE_integer(
    "sample_seed", None, "seed of --sample; none: another one each time", lower_bound=0
)
