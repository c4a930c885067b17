"""The flags of launch.explain, and what they ask."""

from absl import flags

from launch.cli import start
from research.analysis.importance.drop_importance import DROP
from research.analysis.importance.inquiry import Inquiry
from research.analysis.importance.methods import METHODS
from research.errors import UserError

RUN = start.define_name(
    "run", None, "a run with saved parameters: its id, the beginning of it, its --name or a tag"
)
NAME = start.define_name("name", None, "explain each row of this sweep, over its seeds")
EXPERIMENT = start.define_name("experiment", None, "explain each row of this experiment")
METHOD = flags.DEFINE_enum(
    "method",
    "permutation",
    [*METHODS, DROP],
    "how a feature's importance is measured: permutation (shuffle it over the rows), shapley (its"
    " share in each prediction), gradient, integrated_gradients, occlusion (images), dependence"
    " (partial dependence), model (its weights or gains), drop (trains again without the feature)",
)
SPLIT = flags.DEFINE_enum(
    "split", "test", ["test", "validation", "train"], "the rows that are predicted"
)
METRIC = start.define_name(
    "metric", None, "permutation, drop: the metric that becomes worse; none: the task's main one"
)
REPEATS = flags.DEFINE_integer(
    "repeats",
    30,
    "permutation: shuffles of each feature; shapley: rounds of sampled orders",
    lower_bound=1,
)
ROWS = flags.DEFINE_integer(
    "rows", 100, "explain at most this many rows; permutation and drop use all", lower_bound=1
)
CORRELATED = flags.DEFINE_float(
    "correlated",
    None,
    "join features if the rank correlation of each two is at least this, such as 0.9",
    lower_bound=0.0,
    upper_bound=1.0,
)

_OF_METHODS = {
    "metric": ("permutation", DROP),
    "repeats": ("permutation", "shapley"),
    "rows": ("shapley", "gradient", "integrated_gradients", "dependence"),
    "correlated": ("permutation", "shapley"),
    "split": (*(method for method in METHODS if method != "model"), DROP),
}


def inquiry() -> Inquiry:
    """What the flags ask. Raises UserError for a flag that the method does not use."""
    method = METHOD.value
    for name, methods in _OF_METHODS.items():
        if flags.FLAGS[name].present and method not in methods:
            applies = " and ".join(filter(None, (", ".join(methods[:-1]), methods[-1])))
            raise UserError(
                f"--{name} applies to --method={applies}, not to {method}; leave it out"
            )
    return Inquiry(SPLIT.value, METRIC.value, REPEATS.value, ROWS.value, CORRELATED.value)
