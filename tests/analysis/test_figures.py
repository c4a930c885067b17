"""Figures: what is drawn where, read back from the axes; files; and what cannot be drawn."""

import dataclasses
import io
import math
import re
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.text import Text

from research.analysis import canvas
from research.analysis.arms_table import Arm, Column
from research.analysis.axes import sweep_table
from research.analysis.figure_style import FigureStyle, figure_style, parse_width
from research.analysis.figures import (
    MOST_CURVES,
    forest,
    learning_curves,
    left_out,
    of_table,
    save,
    write_figures,
)
from research.analysis.line_plots import OVERLAID, band
from research.analysis.sensitivity import figure as sensitivity
from research.analysis.sensitivity import settings_figure
from research.analysis.table_builder import build_table
from research.errors import UserError
from research.statistics.intervals import t_interval
from tests.support.records import arm, record

ACCURACY = Column("test accuracy", "test/accuracy")
GONE = [100.0] * 10
BASE = [0.90, 0.91, 0.92, 0.93, 0.94, 0.95, 0.96, 0.97, 0.98, 0.99]


def table(arms: int = 3, **more):
    rows = [
        arm("none", BASE),
        *(arm(f"arm {i}", [b - 0.01 * i for b in BASE]) for i in range(1, arms - 1)),
    ]
    return build_table(
        "A table", [*rows, arm("gone", [None] * 10)], [ACCURACY], "none", range(10), **more
    )


def sweep():
    return [
        record(
            f"{o}{r}{s}",
            s,
            None if bad else 0.9,
            "diverged" if bad else "finished",
            optimizer=o,
            learning_rate=r,
        )
        for o in ("sgd", "adam")
        for r in ("0.01", "0.1", "1")
        for s in range(3)
        if (bad := r == "1" and s < 2) is not None
    ]


def test_bands_are_t_intervals_and_nan_is_absent():
    """The band of an epoch is the t-interval of its values, within float64 rounding."""
    runs = [[1.0, 2.0, 5.0], [2.0, 4.0], [6.0, math.nan, 7.0]]
    line = band("a", np.arange(3.0), runs, factor=10)
    first = t_interval([10.0, 20.0, 60.0])
    assert (line.mean[0], line.half_width[0]) == pytest.approx((first.mean, first.half_width))
    assert line.mean.tolist() == [30, 30, 60]
    assert line.complete.tolist() == [True, False, False]


def test_learning_curves_of_a_few_arms_share_an_axis():
    """The last point is the mean in percent, within float64 rounding."""
    figure = learning_curves(table(), "validation/accuracy")
    (axis,) = figure.axes
    assert [text.get_text() for text in axis.get_legend().get_texts()] == [
        "none",
        "arm 1",
    ]  # gone has no mean
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
        "T",
        arms + [with_curves(str(i), train_loss=same) for i in range(OVERLAID)],
        [ACCURACY],
        "none",
        [0],
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
        assert (
            title(learning_curves(built, "train/loss")).partition("the axis cuts off ")[2] == says
        )


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
        one = Arm(
            "a",
            {seed: dataclasses.replace(run, metrics=accuracy) for seed, run in one.records.items()},
        )
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
    """Differences stand in points, within float64 rounding."""
    built = table()
    (axis,) = forest(built, ACCURACY).axes
    assert [tick.get_text() for tick in axis.get_yticklabels()] == ["arm 1", "gone"]
    texts = [text.get_text() for text in axis.texts]
    assert texts == ["worse, p = 0.0020", "no test: diverged"]
    assert "none in test accuracy (percentage points)" in axis.get_xlabel()
    drawn = [line.get_xdata()[0] for line in axis.get_lines() if line.get_marker() == "v"]
    assert drawn == pytest.approx([-1.0])


def test_a_verdict_that_names_its_look_is_drawn_as_the_verdict():
    built = table()
    verdicts = {"worse": "worse (look 1, n = 8)"}
    rows = tuple(
        dataclasses.replace(
            row,
            cells=tuple(
                dataclasses.replace(cell, verdict=verdicts.get(cell.verdict, cell.verdict))
                for cell in row.cells
            ),
        )
        for row in built.rows
    )
    (axis,) = forest(dataclasses.replace(built, rows=rows), ACCURACY).axes
    assert "worse (look 1, n = 8), p = 0.0020" in [text.get_text() for text in axis.texts]
    assert "v" in [line.get_marker() for line in axis.get_lines()]


def test_sensitivity_has_a_line_per_combination_and_marks_what_diverged():
    (axis,) = sensitivity(sweep(), ACCURACY, "Sweep").axes
    assert axis.get_xscale() == "log"
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["sgd", "adam"]
    crosses = [line for line in axis.get_lines() if line.get_marker() == "x"]
    assert [list(line.get_xdata()) for line in crosses] == [[1.0], [1.0]]
    assert [text.get_text() for text in axis.texts] == ["2/3", "2/3"]
    assert "crosses: runs that diverged" in title(axis.figure)
    fine = [
        run for run in sweep() if run.status == "finished" and run.config["learning_rate"] != "1"
    ]
    assert "crosses" not in title(sensitivity(fine, ACCURACY, "Sweep"))


def test_sampled_axes_are_one_line():
    rates = [(0.03, 0.2), (0.001, 0.5), (0.4, 0.1)]
    runs = [
        record(str(i), 0, 0.9, learning_rate=str(r), dropout=str(d))
        for i, (r, d) in enumerate(rates)
    ]
    (axis,) = sensitivity(runs, ACCURACY, "Sweep").axes
    assert axis.get_lines()[0].get_xdata().tolist() == [0.001, 0.03, 0.4]


def test_sensitivity_needs_an_axis():
    with pytest.raises(UserError, match="do not differ in learning_rate"):
        sensitivity([record("a", 0, 0.9), record("b", 1, 0.9)], ACCURACY, "T")


def strengths():
    """Accuracy falls with dropout, in runs without it too; sgd with half of it diverges."""
    return [
        record(
            f"{o}{d}",
            0,
            None if (o, d) == ("sgd", 0.5) else 0.9 - d / 10,
            "diverged" if (o, d) == ("sgd", 0.5) else "finished",
            optimizer=o,
            regularization=f"dropout={d},l2=0.1" if d else "l2=0.1",
            **{"optimizer.eps": "0" if o == "sgd" else "1e-8"},
        )
        for o in ("sgd", "adam")
        for d in (0, 0.125, 0.25, 0.5)
    ]


def test_a_strength_is_an_axis_and_what_has_none_is_left_out():
    """Means in percent, within float64 rounding."""
    (axis,) = sensitivity(strengths(), ACCURACY, "S", key="regularization.dropout").axes
    assert axis.get_xscale() == "linear"
    lines = [line for line in axis.get_lines() if line.get_marker() == "s"]
    assert lines[0].get_xdata().tolist() == [0.125, 0.25, 0.5]
    assert lines[0].get_ydata().tolist() == pytest.approx([88.75, 87.5, 85.0])


def test_zero_has_a_place_beside_powers_of_ten():
    rates = ("0", "1e-4", "1e-3", "1e-2", "0.1")
    runs = [record(r, 0, 0.9, weight_decay=r) for r in rates]
    (axis,) = sensitivity(runs, ACCURACY, "S", key="weight_decay").axes
    assert axis.get_xscale() == "symlog"
    assert axis.get_lines()[0].get_xdata().tolist() == [float(rate) for rate in rates]


def test_words_among_numbers_are_named():
    runs = [record(r, 0, 0.9, train_size=r) for r in ("none", "100", "200")]
    figure = sensitivity(runs, ACCURACY, "S", key="train_size")
    assert "without train_size=none" in title(figure)
    with pytest.raises(UserError, match="optimizer has no two numbers among its values"):
        sensitivity(sweep(), ACCURACY, "S", key="optimizer")


def test_every_numeric_setting_has_its_figure(tmp_path):
    names = {
        path.stem for path in write_figures(sweep_table("S", strengths(), [ACCURACY]), tmp_path)
    }
    assert {"sensitivity-test-accuracy", "settings-test-accuracy"} <= names
    both = [record(f"{i}", 0, 0.9, learning_rate=f"{i}", width=f"{i * i}") for i in range(1, 5)]
    names = {path.stem for path in write_figures(sweep_table("S", both, [ACCURACY]), tmp_path)}
    assert {"sensitivity-test-accuracy-learning_rate", "sensitivity-test-accuracy-width"} <= names


def test_settings_stand_side_by_side_with_the_best_row_in_each():
    table = sweep_table("S", strengths(), [ACCURACY])
    figure = settings_figure(table, ACCURACY)
    panels = {axis.get_xlabel(): axis for axis in figure.axes if axis.get_visible()}
    assert list(panels) == ["optimizer", "regularization", "regularization.dropout"]
    axis = panels["regularization.dropout"]
    assert [text.get_text() for text in axis.get_xticklabels()] == ["–", "0.125", "0.25", "0.5"]
    (best,) = (line for line in axis.get_lines() if line.get_marker() == "D")
    assert (list(best.get_xdata()), list(best.get_ydata())) == ([0], [90])
    (crosses,) = (line for line in axis.get_lines() if line.get_marker() == "x")
    assert list(crosses.get_xdata()) == [3]  # sgd with a dropout of 0.5
    assert "crosses: rows without a mean" in title(figure)


def test_outliers_do_not_flatten_the_others():
    loss = Column("loss", "test/accuracy", "lower", percent=False)
    runs = [record(f"{i}", 0, 1e9 if i == 3 else 0.1 + i / 100, width=f"{i}") for i in range(12)]
    assert sensitivity(runs, loss, "S", key="width").axes[0].get_yscale() == "log"
    score = Column("R2", "test/accuracy", percent=False)
    runs = [record(f"{i}", 0, -1e6 if i == 3 else 0.1 + i / 100, width=f"{i}") for i in range(12)]
    assert sensitivity(runs, score, "S", key="width").axes[0].get_yscale() == "symlog"
    wide = [
        arm("none", BASE),
        *(arm(f"arm {i}", [b + 0.001 * i for b in BASE]) for i in range(1, 5)),
        arm("far", GONE),
    ]
    (axis,) = forest(build_table("T", wide, [score], "none", range(10)), score).axes
    assert axis.get_xlim()[1] < 0.1
    assert "+99.1" in [text.get_text() for text in axis.texts]


def test_curves_of_one_epoch_are_points_with_their_intervals():
    """The mean and the ends of its t-interval, within float64 rounding."""
    built = build_table(
        "T", [with_curves("a", train_loss=[[0.5], [0.7]])], [ACCURACY], None, range(2)
    )
    (axis,) = learning_curves(built, "train/loss").axes
    (line,) = (line for line in axis.get_lines() if line.get_marker() == "o")
    assert (line.get_xdata().tolist(), line.get_ydata().tolist()) == ([1], [pytest.approx(0.6)])
    assert (axis.get_xlim(), axis.get_xticks().tolist()) == ((0.5, 1.5), [1])
    (bar,) = axis.collections[0].get_segments()
    half = t_interval([0.5, 0.7]).half_width
    assert bar[:, 1].tolist() == pytest.approx([0.6 - half, 0.6 + half])


NAMES = ["$5_$10", "$x^2$", "$\\frac{", "a_b^c", "100%", "\\alpha", "tab\tand\rreturn", "<b>&amp;"]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_text_in_every_figure(name, tmp_path):
    arms = [arm(name, BASE), arm(f"{name} too", [b + 0.01 for b in BASE])]
    table = build_table(name, arms, [Column(name, "test/accuracy")], name, range(10))
    for drawing in of_table(table).values():
        figure = drawing()
        drawn = io.StringIO()
        figure.savefig(drawn, format="svg")
        shown = [text for text in figure.findobj(Text) if name.split()[0] in text.get_text()]
        assert shown
        assert not any(text.get_parse_math() for text in shown)
    runs = [record(f"{rate}", 0, 0.9, kind=name, learning_rate=rate) for rate in ("0.1", "0.001")]
    runs += [record(f"{rate}b", 0, 0.9, kind="b", learning_rate=rate) for rate in ("0.1", "0.001")]
    assert write_figures(sweep_table(name, runs, [ACCURACY]), tmp_path)


@pytest.mark.filterwarnings("error")
def test_characters_that_no_font_has_are_a_note(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(canvas, "fonts", lambda characters: ((), "".join(sorted(characters))))
    canvas._note.cache_clear()
    for _ in range(2):
        save(forest(table_of("none", "层归一化"), ACCURACY), tmp_path, "x")
    assert capsys.readouterr().err.count("note: no installed font has") == 1


@pytest.mark.filterwarnings("error")
def test_a_font_that_has_the_characters_is_used(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(canvas, "_NO_LETTERS", ("Last Resort", "DejaVu"))
    assert canvas.fonts(frozenset("\u1d81"))[
        0
    ]  # a d with two hooks, which matplotlib's STIX fonts have
    figure = forest(table_of("none", "\u1d81"), ACCURACY)
    save(figure, tmp_path, "x")
    families = {family for text in figure.findobj(Text) for family in text.get_fontfamily()}
    assert len(families) > 1
    assert capsys.readouterr().err == ""


def table_of(*labels: str):
    return build_table(
        "T", [arm(label, BASE) for label in labels], [ACCURACY], labels[0], range(10)
    )


def test_figures_are_written_as_png_and_pdf(tmp_path):
    paths = write_figures(table(), tmp_path / "figures")
    names = {path.name for path in paths}
    assert {
        "curves-train-loss.png",
        "curves-validation-accuracy.pdf",
        "differences-test-accuracy.png",
    } <= names
    assert all(path.stat().st_size > 1000 for path in paths)
    assert {p.name for p in write_figures(sweep_table("S", sweep(), [ACCURACY]), tmp_path)} >= {
        "sensitivity-test-accuracy.png"
    }


def fonts_of(pdf: bytes) -> set[bytes]:
    return set(re.findall(rb"/Subtype /(Type3|Type42|TrueType|CIDFontType2)", pdf))


def test_a_pdf_has_truetype_fonts_only(tmp_path):
    write_figures(table(), tmp_path)
    for path in tmp_path.glob("*.pdf"):
        assert fonts_of(path.read_bytes()) == {b"CIDFontType2"}


@pytest.mark.parametrize(("text", "inches"), [("single", 3.25), ("double", 6.75), ("4.5", 4.5)])
def test_every_figure_has_the_width_of_the_paper(text, inches):
    with figure_style(FigureStyle(parse_width(text))):
        drawings = of_table(table()) | of_table(sweep_table("S", sweep(), [ACCURACY]))
        drawn = {name: drawing() for name, drawing in drawings.items()}
        panels = learning_curves(table(OVERLAID + 3), "train/loss")
    assert {figure.get_figwidth() for figure in (*drawn.values(), panels)} == {inches}
    side_by_side = {round(axis.get_position().x0, 3) for axis in panels.axes}
    assert len(side_by_side) == (2 if inches < 5 else 4)
    drawn["curves-train/loss"].savefig(io.BytesIO())
    sizes = {axis.xaxis.label.get_fontsize() for axis in drawn["curves-train/loss"].axes}
    assert sizes == {0.8 * 10}


@pytest.mark.parametrize("text", ["wide", "nan", "0", "-3", "1000"])
def test_a_width_that_is_none_is_refused(text):
    with pytest.raises(UserError, match=f"--width={text}: allowed are single, double, or 2 to 20"):
        parse_width(text)


@pytest.mark.parametrize("position", ["above", "outside", "off"])
def test_a_title_stands_above_the_axes_or_beside_the_figure_or_nowhere(position, tmp_path):
    with figure_style(FigureStyle(title=position)):
        figure = forest(table(), ACCURACY)
    save(figure, tmp_path, "x")
    assert bool(title(figure)) == (position == "above")
    texts = [path.read_text() for path in tmp_path.glob("*.txt")]
    assert len(texts) == (position == "outside")
    assert all(text.startswith("A table\npaired with none by seed") for text in texts)


def test_a_long_title_is_wrapped_to_the_figure():
    with figure_style(FigureStyle(3.25)):
        figure = forest(table(), ACCURACY)
    assert max(map(len, title(figure).splitlines())) < 55


def test_lines_on_one_axis_differ_without_their_colours():
    arms = [with_curves(f"arm {i}", train_loss=[[0.5 + i, 0.4 + i]]) for i in range(OVERLAID)]
    (axis,) = learning_curves(build_table("T", arms, [ACCURACY], None, [0]), "train/loss").axes
    markers = [line.get_marker() for line in axis.get_lines()]
    assert len(set(markers)) == len(markers) == OVERLAID


def test_a_figure_that_is_left_out_says_why():
    many = [arm(f"arm {i}", BASE) for i in range(MOST_CURVES + 1)]
    assert list(left_out(build_table("T", many, [ACCURACY], None, range(10)))) == [
        "no learning curves: 41 rows are more than 40 panels hold; choose some with --top or"
        " --where",
        "no figure of differences: they need a baseline",
    ]
    assert list(left_out(table())) == []


def test_nothing_recorded_is_nothing_drawn(tmp_path):
    empty = build_table("T", [Arm("a", {}), Arm("b", {})], [ACCURACY], None, range(3))
    assert write_figures(empty, tmp_path) == []


def test_a_directory_that_cannot_be_written_is_one_clear_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write figures to"):
        save(forest(table(), ACCURACY), tmp_path / "file", "x")


def test_only_those_who_draw_import_matplotlib():
    code = (
        "import sys, research.analysis.figures, research.analysis.render; print('matplotlib' in"
        " sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.filterwarnings("error")  # matplotlib warns where labels leave the axes no room
@pytest.mark.parametrize("width", [None, 3.25])
def test_long_names_leave_the_axes_room(width: float | None) -> None:
    rows = [arm("none", BASE), arm("regularization=" + "l2=0.01,dropout=0.5," * 10, BASE)]
    rows += [arm("x" * 300, BASE), arm("line\nbreak\ttab", BASE)]
    built = build_table("A table", rows, [ACCURACY], "none", range(10))
    with figure_style(FigureStyle(width=width)):
        for drawn in (forest(built, ACCURACY), *(draw() for draw in of_table(built).values())):
            drawn.savefig(io.BytesIO())
            for axes in drawn.axes:
                assert axes.get_window_extent().width > 0.2 * drawn.bbox.width / len(drawn.axes)


def test_learning_curves_over_sizes_have_train_beside_validation(tmp_path):
    """Values in percent, within float64 rounding."""
    column = Column("validation accuracy", "validation/accuracy")
    runs = [
        dataclasses.replace(
            record(f"{size}{seed}", seed, 0.9, train_size=f"{size}"),
            metrics={"train/accuracy": 1 - size / 1000, "validation/accuracy": 0.5 + size / 1000},
        )
        for size in (100, 200, 400)
        for seed in (0, 1)
    ]
    (axis,) = sensitivity(runs, column, "S", "train_size", "train").axes
    by_label = {line.get_label(): line.get_ydata().tolist() for line in axis.get_lines()}
    assert by_label["train"] == pytest.approx([90, 80, 60])
    assert by_label["validation"] == pytest.approx([60, 70, 90])
    names = {path.stem for path in write_figures(sweep_table("S", runs, [column]), tmp_path)}
    assert "train-size-validation-accuracy" in names
