"""The flags of launch.sweep beside the settings and the axes."""

from absl import flags

from launch.cli import start

NAME = start.define_name("name", None, "keep the sweep under this name, for launch.table --name")
ESTIMATE = start.define_name(
    "estimate", None, "what makes one value of a seed's folds; none: their mean"
)
BASELINE = start.define_name(
    "baseline", None, "a row, as learning_rate=0.1: compare the others with it"
)
CANCEL = flags.DEFINE_bool(
    "cancel", False, "cancel Slurm's jobs for the sweep of this --name, and train nothing"
)
