"""Figures of trials: what is drawn where, read back from the axes, and the files."""

import math
from pathlib import Path

import pytest
from optuna.study import Study
from PIL import Image

from research.analysis import trials
from research.sweeps.column import Column
from research.sweeps.declare import sweep_axes as axes_lib
from research.sweeps.declare.sweep_axes import Point
from research.sweeps.tuning.search import Result, search
from research.sweeps.tuning.study import study
from research.sweeps.tuning.trial_samplers import sampler

ACCURACY = Column("validation accuracy", "validation/accuracy")
SPACE = axes_lib.sampled(
    [
        "learning_rate=log(1e-4,1)",
        "regularization.dropout=uniform(0,0.8)",
        "optimizer=sgd|adam",
        "optimizer.momentum=uniform(0,0.99) if optimizer=sgd",
    ]
)


def accuracy(point: Point) -> float:
    """Best at a rate of 0.01 and without dropout."""
    off = math.log10(float(point["learning_rate"])) + 2
    return 0.95 - 0.1 * off**2 - 0.1 * float(point["regularization.dropout"])


@pytest.fixture(scope="module")
def found() -> Study:
    of = study(None, "a tuning", "higher", {}, sampler("sobol", SPACE, 0))

    def evaluate(points: list[Point]) -> list[Result]:
        results = [Result(accuracy(point)) for point in points]
        return [*results[:-2], Result(math.nan, "diverged"), Result(None, "refused")]

    search(of, SPACE, 32, 32, evaluate)
    return of


def test_history_has_the_best_so_far(found: Study) -> None:
    """Values in percent, within float64 rounding."""
    shown = trials.shown(found, ACCURACY)
    (axis,) = trials.history(shown, ACCURACY, "a tuning").axes
    dots, best, lost = axis.get_lines()
    values = [100 * accuracy_of for accuracy_of in (t.value for t in found.trials[:30])]
    assert dots.get_ydata().tolist() == pytest.approx(values)
    assert best.get_ydata()[-1] == pytest.approx(max(values))
    assert lost.get_xdata().tolist() == [30]
    assert axis.get_ylabel() == "validation accuracy (%)"


def test_the_axis_that_matters_is_the_most_important(found: Study) -> None:
    figure = trials.importance(found, ACCURACY, "a tuning")
    assert figure is not None
    (axis,) = figure.axes
    assert [text.get_text() for text in axis.get_yticklabels()][-1] == "learning_rate"


def test_slices_have_a_panel_an_axis(found: Study) -> None:
    figure = trials.slices(found, trials.shown(found, ACCURACY), ACCURACY, "a tuning")
    assert figure is not None
    panels = {axis.get_xlabel(): axis for axis in figure.axes if axis.get_visible()}
    assert list(panels) == [axis.path for axis in SPACE]
    assert panels["learning_rate"].get_xscale() == "log"
    assert [text.get_text() for text in panels["optimizer"].get_xticklabels()] == ["sgd", "adam"]
    assert len(panels["learning_rate"].collections[0].get_offsets()) == 30
    (crosses,) = (line for line in panels["learning_rate"].get_lines() if line.get_marker() == "x")
    assert list(crosses.get_xdata()) == [
        float(found.trials[30].params["learning_rate"])
    ]  # the one that diverged
    assert len(panels["optimizer.momentum"].collections[0].get_offsets()) < 30


def test_every_figure_is_written(found: Study, tmp_path: Path) -> None:
    paths = list(trials.write_figures(found, ACCURACY, tmp_path))
    assert all(isinstance(path, Path) for path in paths)
    names = {path.stem for path in paths}
    assert names == {
        f"a_tuning_{name}" for name in ("history", "importance", "slice", "contour", "best_of_k")
    }
    for path in paths:
        if path.suffix == ".png":
            Image.open(path).verify()


def test_two_trials_draw_what_they_can(tmp_path: Path) -> None:
    of = study(None, "short", "higher", {}, sampler("random", SPACE, 0))
    search(of, SPACE, 2, 2, lambda points: [Result(accuracy(point)) for point in points])
    written = list(trials.write_figures(of, ACCURACY, tmp_path))
    names = {path.stem for path in written if isinstance(path, Path)}
    assert names == {"short_history", "short_slice", "short_best_of_k"}
    assert [reason for reason in written if isinstance(reason, str)] == [
        f"no figure {name} of 'short': 2 finished trials, and it needs 6"
        for name in ("importance", "contour")
    ]
