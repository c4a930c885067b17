"""What a training in an environment needs, and which settings it has no use for."""

from research.config import FIELDS, RunConfig
from research.data.spec import DataSpec
from research.errors import UserError
from research.registry import OBJECTIVES, REGULARIZERS, Objective
from research.run_config import FULL_BATCH, Component
from research.training.setup.program import game_of

# They are about rows, which an environment does not have.
OF_ROWS = (
    "split",
    "train_size",
    "row_share",
    "bootstrap",
    "column_share",
    "inner_folds",
    "inner_fold",
    "remainder",
    "reshuffle_each_epoch",
    "scaling",
    "encoding_of_categories",
    "features",
    "drop_feature",
    "select",
    "reduce",
    "loss_mean",
)


def check_split_seed(config: RunConfig, spec: DataSpec) -> None:
    """Raises UserError if a config that is not completed yet seeds the split of an environment."""
    if spec.inputs.collected and config.split_seed:  # 0 is what a completed config has
        raise UserError(
            f"split_seed is about rows, and {spec.name} is an environment; leave it out"
        )


def check(config: RunConfig, spec: DataSpec) -> None:
    """Raises UserError if the data and the objective do not fit, or a setting has no effect."""
    collects = game_of(config.objective).collect is not None
    if collects and not spec.inputs.collected:
        raise UserError(
            f"objective={config.objective.name} collects its examples in an environment, and"
            f" {spec.name} has rows; write --dataset=bernoulli_bandit, or --objective=supervised"
        )
    if not spec.inputs.collected:
        if config.updates_per_epoch is not None:
            raise UserError(
                f"updates_per_epoch is for environments; an epoch of {spec.name} is a pass over its"
                " rows; leave it out"
            )
        return
    if not collects:
        able = [entry.name for entry in OBJECTIVES if _collects(entry)]
        raise UserError(
            f"{spec.name} is an environment, in which objective={config.objective.name} collects no"
            f" examples; write --objective={' or '.join(able)}"
        )
    for name in OF_ROWS:
        if getattr(config, name) != FIELDS[name].default:
            raise UserError(
                f"{name} is about rows, and {spec.name} is an environment; leave it out"
            )
    if config.batch_size == FULL_BATCH:
        raise UserError(
            f"batch_size=full is about rows; in {spec.name} it is a number of environments, such as"
            " --batch_size=64"
        )
    for member in config.regularization:
        if REGULARIZERS.get(member.name).slot in ("data", "targets"):
            raise UserError(
                f"{member.name} changes rows before the network reads them, and the examples of"
                f" {spec.name} are collected; leave it out"
            )


def _collects(entry: Objective) -> bool:
    """Whether the objective is for environments."""
    options = {option.name: option.default for option in entry.options}
    chosen = {**options, **entry.test_options}
    return game_of(Component(entry.name, tuple(chosen.items()))).collect is not None
