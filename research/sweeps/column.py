"""What a table shows of each row: a final metric as a column, and the value that a paper printed
for it."""

import dataclasses
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Literal, cast, get_args

from research.errors import UserError, nearest
from research.metric_names import (
    CLEAN,
    DISAGREEMENT,
    EFFORT,
    MEMBERS,
    UNCALIBRATED,
    is_effort,
    operands,
    plain,
    target_of,
)
from research.registry import LOSSES, METRICS, TASKS, Metric, load_package
from research.statistics.bias_variance import PARTS

Better = Literal["higher", "lower"]
SPLITS = ("train", "validation", "test")
# Of all rows that test in a fold, and of the test rows that no fold has; see
# estimates/out_of_fold.py.
PREDICTED = ("oof", "own_test")
# Of the value that is best on the test rows of all folds; see declare/nested_choice.py.
FLAT = "flat"
OF_ALL_FOLDS = (*PREDICTED, FLAT)


@dataclasses.dataclass(frozen=True)
class Column:
    """A final metric as a column.

    percent: shown times 100; None means: if it is an accuracy. margin: the smallest difference of
        interest, in the metric's own unit (0.005, not 0.5 points). Raises UserError for a margin
        that is not above 0.
    """

    label: str
    metric: str
    better: Better = "higher"
    percent: bool | None = None
    margin: float | None = None

    def __post_init__(self) -> None:
        if self.margin is not None and not self.margin > 0:
            raise UserError(f"margin={self.margin} of '{self.label}': it must be above 0")

    @property
    def in_percent(self) -> bool:
        """Whether values are shown times 100."""
        return self.metric.endswith("accuracy") if self.percent is None else self.percent


@dataclasses.dataclass(frozen=True)
class Published:
    """A value from a paper, in the metric's own unit (0.9725, not 97.25).

    spread: the half-width of the paper's ±, as printed. n: the paper's number of runs.
    """

    value: float
    spread: float | None = None
    n: int | None = None


def refuse_fitted(paths: Collection[str], metric: str) -> None:
    """Raises UserError if the validation rows cannot judge a setting, since they fitted it.

    Args:
        paths: the settings that are chosen.
        metric: what they are chosen by.
    """
    if "calibrate" in paths:
        raise UserError(
            f"calibrate fits its map to the validation rows, so {metric} would judge it on the rows"
            " that it was fitted to; compare arms on test rows:"
            " --grid='calibrate=none|temperature'"
        )


def check_metric(metric: str, better: str) -> None:
    """Raises UserError if no task or loss has the metric, if `better` is no such word, or if they
    say the other."""
    load_package("research.tasks")
    names = [plain(each) for each in operands(metric)]
    of_tasks = {name for task in TASKS for name in task.build().better}
    of_library = {*METRICS.names(), *(name for name in names if measured(name))}
    refuse_unknown(
        [metric],
        of_tasks | {name for loss in LOSSES for name in loss.metrics} | of_library,
        # Whether there are any shows once the runs are planned.
        folds=True,
        ensembles=True,
    )
    if better not in get_args(Better):
        raise UserError(
            f"better='{better}' for {metric}: allowed are {', '.join(get_args(Better))}"
        )
    if len(names) > 1:  # which way a difference is better depends on the question
        return
    (name,) = names
    if is_effort(metric) and better != "lower":
        raise UserError(f"better='{better}' for {metric}: of what runs take, lower is better")
    known = {word for task in TASKS for other, word in task.build().better.items() if other == name}
    known |= {entry.better for entry in (measured(name),) if entry}
    known |= {"lower" for loss in LOSSES if name in (loss.name, "loss")}
    if known and better not in known:
        raise UserError(f"better='{better}' for {metric}: of {name} {known.pop()} is better")


def measured(name: str) -> Metric | None:
    """The metric of that name that `--metrics` adds to a task's own; None without one."""
    try:
        return METRICS.get(name)
    except UserError:
        return None


def reads_predictions(metrics: Iterable[str]) -> bool:
    """Whether one of the metrics, such as `oof/roc_auc`, is computed from kept predictions."""
    names = [name for metric in metrics for name in operands(metric)]
    return any(name.partition("/")[0] in PREDICTED for name in names)


def is_of_all_folds(metric: str) -> bool:
    """Whether a metric has one value for all folds of a seed, as `oof/roc_auc`."""
    return metric.partition("/")[0] in OF_ALL_FOLDS


def is_flat(metric: str) -> bool:
    """Whether a metric, such as `flat/accuracy`, is of settings that its own rows chose."""
    return metric.partition("/")[0] == FLAT


def refuse_unknown(
    metrics: Iterable[str], names: Iterable[str], folds: bool = False, ensembles: bool = False
) -> None:
    """Raises UserError for the first metric that the runs will not have.

    Args:
        metrics: as `test/accuracy`.
        names: the metrics of a split, as `accuracy`.
        folds: whether there are folds, which have metrics of all of them together.
        ensembles: whether there are ensembles, which have metrics of their members.
    """
    names = set(names)
    known = {f"{split}/{name}" for split in SPLITS for name in names}
    # Curves have the training loss too, and no test metrics.
    curves = {name for name in known if name.startswith(("train/", "validation/"))}
    curves |= {"train/loss", "validation/loss"}
    # Label noise changes training labels only.
    known |= {f"train/{CLEAN}{name}" for name in names}
    known |= {f"{split}/{UNCALIBRATED}{name}" for split in SPLITS for name in names}
    of_folds = {f"{head}/{name}" for head in OF_ALL_FOLDS for name in {*names, *PARTS}}
    known |= of_folds if folds else set()
    of_members = {f"{MEMBERS}/{name}" for name in {*names, DISAGREEMENT}}
    known |= of_members if ensembles else set()
    known |= {f"effort/{name}" for name in EFFORT}
    for metric in metrics:
        if len(both := operands(metric)) == 2:
            refuse_unknown(both, names, folds, ensembles)
            continue
        target = target_of(metric)
        if target is not None:
            if target.metric not in curves:
                near = nearest(target.metric, curves)
                raise UserError(f"'{metric}': curves have no '{target.metric}'; {near}")
            continue
        if metric in of_folds - known:
            raise UserError(
                f"'{metric}' is of the predictions of all folds, and the split has none; give"
                " one that has, as --split='kfold(5)'"
            )
        if metric in of_members - known:
            raise UserError(
                f"'{metric}' is of the members of an ensemble, and no run is one; give"
                " --ensemble='seeds(5)' or the like"
            )
        name = metric.rpartition("/")[2]
        if metric not in known and name not in names and measured(name):
            raise UserError(f"no run measures '{name}'; add it to their settings: --metrics={name}")
        if metric not in known:
            raise UserError(f"there is no metric '{metric}'; {nearest(metric, known)}")


def with_flat(columns: Sequence[Column], metric: str, better: Better) -> tuple[Column, ...]:
    """The columns with that of the flat score behind the score of nested folds.

    Args:
        columns: the declared ones; where they have a flat score, they stay.
        metric: what settings are chosen by, as `validation/accuracy`.
        better: which values of it are better.
    """
    name = metric.partition("/")[2]
    if not columns or any(is_flat(column.metric) for column in columns):
        return tuple(columns)
    tested = [column.metric for column in columns]
    behind = tested.index(f"test/{name}") + 1 if f"test/{name}" in tested else len(tested)
    column = Column(f"flat {name}", f"{FLAT}/{name}", better)
    return (*columns[:behind], column, *columns[behind:])


def main_metric(loss: str, task: str) -> tuple[str, Better]:
    """A task's main metric, or the loss if that is a metric, and which way is better."""
    entry = LOSSES.get(loss)
    if entry.name in entry.metrics:
        return entry.name, "lower"
    name, better = next(iter(TASKS.get(task).build().better.items()))
    return name, cast(Better, better)


def common_metric(configs: Iterable[Mapping[str, str]]) -> tuple[str, Better]:
    """The metric by which runs of these flat configs are compared: their main metric, or else their
    tasks'.

    Raises UserError where the tasks have different ones, as those of classification and regression.
    """
    whose = {(config["loss"], config["task"]): config["dataset"] for config in configs}
    mains = list(dict.fromkeys(main_metric(loss, task) for loss, task in whose))
    if len(mains) == 1:
        return mains[0]
    datasets = {task: dataset for (_, task), dataset in whose.items()}
    of_tasks = {task: next(iter(TASKS.get(task).build().better.items())) for task in datasets}
    if len(set(of_tasks.values())) > 1:
        differing = " and ".join(
            f"{name} (dataset={datasets[task]})" for task, (name, _) in of_tasks.items()
        )
        raise UserError(
            f"the runs are compared by different metrics: {differing}; run one sweep per"
            " metric; finished runs are reused"
        )
    name, better = next(iter(of_tasks.values()))
    return name, cast(Better, better)
