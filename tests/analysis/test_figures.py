"""Figures: what is drawn where, read back from the axes; files; and what cannot be drawn."""

import dataclasses
import math
import subprocess
import sys

import numpy as np
import pytest

from research.analysis.axes import sweep_table
from research.analysis.cells import Arm, Column
from research.analysis.figures import forest, learning_curves, save, sensitivity, write_figures
from research.analysis.lines import OVERLAID, band
from research.analysis.statistics import t_interval
from research.analysis.table import build_table
from research.errors import UserError
from tests.analysis.records import arm, record

ACCURACY = Column("test accuracy", "test/accuracy")
BASE = [0.90, 0.91, 0.92, 0.93, 0.94, 0.95, 0.96, 0.97, 0.98, 0.99]


def table(arms: int = 3, **more):
    rows = [arm("none", BASE), *(arm(f"arm {i}", [b - 0.01 * i for b in BASE]) for i in range(1, arms - 1))]
    return build_table("A table", [*rows, arm("gone", [None] * 10)], [ACCURACY], "none", range(10), **more)


def sweep():
    return [
        record(f"{o}{r}{s}", s, None if bad else 0.9, "diverged" if bad else "finished", optimizer=o, learning_rate=r)
        for o in ("sgd", "adam")
        for r in ("0.01", "0.1", "1")
        for s in range(3)
        if (bad := r == "1" and s < 2) is not None
    ]


def test_bands_are_t_intervals_and_nan_is_absent():
    runs = [[1.0, 2.0, 5.0], [2.0, 4.0], [6.0, math.nan, 7.0]]
    line = band("a", np.arange(3.0), runs, factor=10)
    first = t_interval([10.0, 20.0, 60.0])
    assert (line.mean[0], line.half_width[0]) == pytest.approx((first.mean, first.half_width))
    assert line.mean.tolist() == [30, 30, 60]
    assert line.whole.tolist() == [True, False, False]


def test_learning_curves_of_a_few_arms_share_an_axis():
    figure = learning_curves(table(), "validation/accuracy")
    (axis,) = figure.axes
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["none", "arm 1"]  # gone has no mean
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("epoch", "validation accuracy (%)")
    line = axis.get_lines()[0]
    assert line.get_xdata().tolist() == [1, 2, 3]
    assert line.get_ydata()[-1] == pytest.approx(100 * 0.9045)


def with_curves(label: str, **curves: list[list[float]]) -> Arm:
    """An arm whose runs have these curves, by seed; `_` in a name stands for a slash."""
    runs = {}
    for seed in range(len(next(iter(curves.values())))):
        own = {name.replace("_", "/"): of_seed[seed] for name, of_seed in curves.items()}
        runs[seed] = dataclasses.replace(record(f"{label}{seed}", seed, 0.9), curves=own)
    return Arm(label, runs)


def title(figure) -> str:
    return figure.get_suptitle()


def test_the_baseline_is_dashed_and_on_top_where_lines_coincide():
    same = [[0.5, 0.6], [0.6, 0.7]]
    arms = [with_curves("none", train_loss=same), with_curves("other", train_loss=same)]
    few = build_table("T", arms, [ACCURACY], "none", range(2))
    figure = learning_curves(few, "train/loss")
    none, other = figure.axes[0].get_lines()
    assert (none.get_linestyle(), other.get_linestyle()) == ("--", "-")
    assert none.get_zorder() > other.get_zorder()
    assert "dashed: none" in title(figure)
    many = build_table(
        "T", arms + [with_curves(str(i), train_loss=same) for i in range(OVERLAID)], [ACCURACY], "none", [0]
    )
    assert all(
        any(line.get_linestyle() == "--" for line in axis.get_lines())
        for axis in learning_curves(many, "train/loss").axes[: len(many.rows)]
    )
    without = build_table("T", arms, [ACCURACY], None, range(2))
    assert "dashed" not in title(learning_curves(without, "train/loss"))


def test_the_title_says_dotted_only_where_runs_stopped_early():
    whole, short = [[0.5, 0.6, 0.6], [0.6, 0.7, 0.7]], [[0.5, 0.6, 0.6], [0.6, 0.7]]
    for runs, dotted in ((whole, False), (short, True)):
        built = build_table("T", [with_curves("a", train_loss=runs)], [ACCURACY], None, range(2))
        assert ("dotted" in title(learning_curves(built, "train/loss"))) == dotted


def test_the_title_says_what_the_axis_cuts_off():
    flat = [1.0 + 0.01 * max(epoch, 3) for epoch in range(20)]
    for runs, says in (
        ([flat, flat], ""),
        ([[9.0, *flat[1:]], [9.0, *flat[1:]]], "the first epochs"),
        ([flat, [2 * value for value in flat]], "wide bands"),
    ):
        built = build_table("T", [with_curves("a", train_loss=runs)], [ACCURACY], None, range(2))
        assert title(learning_curves(built, "train/loss")).partition("the axis cuts off ")[2] == says


def test_a_loss_that_is_the_metric_has_one_figure_and_the_tables_spelling(tmp_path):
    nll = [[0.5, 0.4], [0.6, 0.5]]
    other = [[0.5, 0.4], [0.6, 0.6]]
    column = Column("test NLL", "test/nll", "lower")
    accuracy = {"test/accuracy": 0.9, "test/nll": 0.5}
    for loss, names in (
        (nll, {"curves-validation-nll.png"}),
        (other, {"curves-validation-loss.png", "curves-validation-nll.png"}),
    ):
        one = with_curves("a", validation_loss=loss, validation_nll=nll)
        one = Arm("a", {seed: dataclasses.replace(run, metrics=accuracy) for seed, run in one.records.items()})
        built = build_table("T", [one], [column], None, range(2))
        folder = tmp_path / str(len(names))
        write_figures(built, folder)
        assert {path.name for path in folder.glob("*.png")} == names
        assert learning_curves(built, "validation/nll").axes[0].get_ylabel() == "validation NLL"


def test_learning_curves_of_many_arms_have_a_panel_each():
    figure = learning_curves(table(OVERLAID + 3), "train/loss")
    shown = [axis.get_title() for axis in figure.axes if axis.get_visible()]
    assert shown == ["none", *(f"arm {i}" for i in range(1, OVERLAID + 2))]
    assert figure.axes[0].get_yscale() == "log" or figure.axes[0].get_ylim()[0] < 0.1


def test_a_forest_shows_differences_with_their_verdicts():
    built = table()
    (axis,) = forest(built, ACCURACY).axes
    assert [tick.get_text() for tick in axis.get_yticklabels()] == ["arm 1", "gone"]
    texts = [text.get_text() for text in axis.texts]
    assert texts == ["worse, p = 0.0039", "no test: diverged"]
    assert "none in test accuracy (percentage points)" in axis.get_xlabel()
    drawn = [line.get_xdata()[0] for line in axis.get_lines() if line.get_marker() == "o"]
    assert drawn == pytest.approx([-1.0])


def test_sensitivity_has_a_line_per_combination_and_marks_what_diverged():
    (axis,) = sensitivity(sweep(), ACCURACY, "Sweep").axes
    assert axis.get_xscale() == "log"
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["sgd", "adam"]
    crosses = [line for line in axis.get_lines() if line.get_marker() == "x"]
    assert [list(line.get_xdata()) for line in crosses] == [[1.0], [1.0]]
    assert [text.get_text() for text in axis.texts] == ["2/3", "2/3"]
    assert "crosses: runs that diverged" in title(axis.figure)
    fine = [run for run in sweep() if run.status == "finished" and run.config["learning_rate"] != "1"]
    assert "crosses" not in title(sensitivity(fine, ACCURACY, "Sweep"))


def test_sampled_axes_are_one_line():
    rates = [(0.03, 0.2), (0.001, 0.5), (0.4, 0.1)]
    runs = [record(str(i), 0, 0.9, learning_rate=str(r), dropout=str(d)) for i, (r, d) in enumerate(rates)]
    (axis,) = sensitivity(runs, ACCURACY, "Sweep").axes
    assert axis.get_lines()[0].get_xdata().tolist() == [0.001, 0.03, 0.4]


def test_sensitivity_needs_an_axis():
    with pytest.raises(UserError, match="do not differ in learning_rate"):
        sensitivity([record("a", 0, 0.9), record("b", 1, 0.9)], ACCURACY, "T")


def test_figures_are_written_as_png_and_pdf(tmp_path):
    paths = write_figures(table(), tmp_path / "figures")
    names = {path.name for path in paths}
    assert {"curves-train-loss.png", "curves-validation-accuracy.pdf", "differences-test-accuracy.png"} <= names
    assert all(path.stat().st_size > 1000 for path in paths)
    assert {p.name for p in write_figures(sweep_table("S", sweep(), [ACCURACY]), tmp_path)} >= {
        "sensitivity-test-accuracy.png"
    }


def test_nothing_recorded_is_nothing_drawn(tmp_path):
    empty = build_table("T", [Arm("a", {}), Arm("b", {})], [ACCURACY], None, range(3))
    assert write_figures(empty, tmp_path) == []


def test_a_directory_that_cannot_be_written_is_one_clear_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write figures to"):
        save(forest(table(), ACCURACY), tmp_path / "file", "x")


def test_only_those_who_draw_import_matplotlib():
    code = "import sys, research.analysis.figures, research.analysis.render; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
