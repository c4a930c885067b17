"""Markdown, LaTeX, CSV and JSON: what stands in a cell, alignment, escaping, and full precision."""

import csv
import dataclasses
import io
import json
import math
import re
import shutil
import subprocess

import pytest

from research.analysis.arms_table import Column, Published
from research.analysis.latex import PAGE_ROWS, escape, label_of
from research.analysis.markdown import to_markdown
from research.analysis.number_format import Scale, p_value, scale_of, seconds
from research.analysis.render import FORMATS, render
from research.analysis.runs_table import runs_of, runs_table
from research.analysis.table_builder import Remarks, build_table
from research.errors import UserError
from research.statistics.intervals import Interval
from tests.support.records import arm, record

BASE = [0.90, 0.91, 0.92, 0.93, 0.94, 0.95, 0.96, 0.97, 0.98, 0.99]
GOOD = [b + 0.01 for b in BASE[:9]] + [0.99 + 0.01 / 3]  # a third: its digits never end
NASTY = r"50% & l1_prox $x^2$ {a} #1 ~ \cmd <b> | [0] *"


@pytest.fixture(scope="module")
def table():
    arms = [
        arm("none", BASE),
        arm("good", GOOD),
        arm("shaky", [*BASE[:9], None]),
        arm("gone", [None] * 10),
    ]
    published = {
        ("good", "test accuracy"): Published(0.96, 0.005, 5),
        ("none", "test accuracy"): Published(0.9),
    }
    return build_table(
        "A table",
        arms,
        [Column("test accuracy", "test/accuracy")],
        "none",
        range(10),
        Remarks(published=published),
    )


def grid(markdown: str) -> list[list[str]]:
    """The cells of the one table in a Markdown text, its rule left out."""
    lines = [line for line in markdown.splitlines() if line.startswith("|")]
    return [
        [text.strip() for text in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in lines
        if "---" not in line
    ]


def test_markdown_cells(table):
    header, none, good, shaky, gone = grid(render(table, "md"))
    row = dict(zip(header, none, strict=True))
    assert row["arm"] == "none (baseline)"
    assert row["test accuracy (%)"] == "94.50 ± 2.17"
    assert (
        row["n"],
        row["Δ to none"],
        row["verdict on these rows only"],
        row["s/run"],
        row["parameters"],
    ) == (
        "10",
        "–",
        "",
        "5.5",
        "1,234",
    )
    assert row["ours to published"] == "better (+4.50)"
    row = dict(zip(header, good, strict=True))
    assert row["test accuracy (%)"] == "**95.43 ± 2.09**"
    assert row["Δ to none"] == "+0.93 ± 0.13"
    assert (row["p"], row["verdict on these rows only"]) == ("0.0020", "better")
    assert (row["published"], row["ours to published"]) == (
        "96.00 ± 0.50 (n=5)",
        "intervals overlap (−0.57)",
    )
    row = dict(zip(header, shaky, strict=True))
    assert row["test accuracy (%)"] == "94.00 ± 2.11 (9/10)"
    assert (row["n"], row["diverged"], row["p"], row["verdict on these rows only"]) == (
        "9/10",
        "1",
        "–",
        "no test: diverged",
    )
    row = dict(zip(header, gone, strict=True))
    assert (row["test accuracy (%)"], row["n"], row["diverged"]) == (
        "diverged (0/10)",
        "0/10",
        "10",
    )


def test_markdown_is_aligned_and_fits_a_terminal(table):
    lines = render(table, "md").splitlines()
    rows = [line for line in lines if line.startswith("|")]
    assert len({len(line) for line in rows}) == 1
    bars = [[i for i, char in enumerate(line) if char == "|"] for line in rows]
    assert all(places == bars[0] for places in bars)
    assert all(len(line) <= 80 for line in lines if not line.startswith("|"))


def test_a_grid_wider_than_the_terminal_goes_on_below(table):
    wide, narrow = to_markdown(table), to_markdown(table, 60)
    lines = [line for line in narrow.splitlines() if line.startswith("|")]
    assert max(map(len, lines)) <= 60 < max(map(len, wide.splitlines()))
    whole, parts = grid(wide), grid(narrow)
    labels = [row[0] for row in whole]
    assert [row[0] for row in parts] == labels * (len(parts) // len(labels))
    assert {cell for row in parts for cell in row} == {cell for row in whole for cell in row}


def test_markdown_without_baseline_has_no_tests():
    built = build_table(
        "A sweep",
        [arm("a", BASE), arm("b", GOOD)],
        [Column("acc", "test/accuracy")],
        None,
        range(10),
    )
    header, *_ = grid(render(built, "md"))
    assert header == ["arm", "n", "acc (%)", "parameters", "s/run"]


def test_labels_cannot_break_the_grid():
    built = build_table("T", [arm(NASTY, BASE)], [Column("acc", "test/accuracy")], None, range(10))
    header, row = grid(render(built, "md"))
    assert len(header) == len(row)
    assert row[0] == r"50% & l1_prox \$x^2\$ {a} #1 ~ \cmd \<b> \| [0] \*"


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("$5_$10", r"\$5\_\$10"),
        ("learning_rate=0.1", "learning_rate=0.1"),
        ("_x_ and *y*", r"\_x\_ and \*y\*"),
        ("`code`", r"\`code\`"),
        (r"a\|b", r"a\\\|b"),
        ("&lt; & ~~gone~~", r"\&lt; & \~\~gone\~\~"),
        ("[x](http://y)", r"[x\](http://y)"),
        ("two\r\nlines\tand\x0btabs", "two lines and tabs"),
        ("\x1b[31mred\x00", "U+001B[31mredU+0000"),
    ],
)
def test_a_label_is_text_in_markdown(label, text):
    built = build_table("T", [arm(label, BASE)], [Column("acc", "test/accuracy")], None, range(10))
    line = next(line for line in render(built, "md").splitlines() if "94.50" in line)
    assert line.startswith(f"| {text} |")


def test_every_metric_has_its_panel(table):
    arms = [row.arm for row in table.rows]
    columns = [
        Column("test accuracy", "test/accuracy"),
        Column("the same", "test/accuracy", "lower", percent=False),
    ]
    text = render(build_table("T", arms, columns, "none", range(10)), "md")
    assert "**test accuracy**" in text
    assert "**the same**" in text
    assert "0.945 ± 0.022" in text


# Numbers
# ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "scale", "text"),
    [
        (0.97254, Scale(100, 2), "97.25"),
        (-0.5, Scale(1, 3), "−0.500"),
        (0.0, Scale(1, 3), "0.000"),
        (1e-9, Scale(1, 3), "1e-09"),
        (3.2e12, Scale(1, 3), "3.2e+12"),
        (1.2345678e9, Scale(1, 0), "1.23457e+09"),
    ],
)
def test_numbers(value, scale, text):
    assert scale.number(value) == text


@pytest.mark.parametrize(
    ("value", "scale", "text"),
    [
        (87.3975, Scale(1, 2), "87.3975"),
        (12.5, Scale(1, 0), "12.5"),
        (38, Scale(1, 2), "38.00"),
        (0.9725, Scale(100, 2), "97.25"),
        (0.97255, Scale(100, 2), "97.255"),
    ],
)
def test_what_a_paper_printed_keeps_its_decimals(value, scale, text):
    assert scale.printed(value) == text


@pytest.mark.parametrize(
    ("mean", "half_width", "text"),
    [
        (2.2331, 0.0038, "2.2331 ± 0.0038"),
        (2.2331, 0.38, "2.23 ± 0.38"),
        (3033.33, 379.4, "3033 ± 379"),
        (0.1234567, 0.0, "0.1235 ± 0.0000"),
        (0.0, 0.0, "0 ± 0"),
        (0.1567, None, "0.1567"),
        (12345.678, None, "12346"),
        (0.9996, 0.0996, "1.00 ± 0.10"),  # 0.0996 is 0.10 with two digits
        (0.0000512, 0.013, "5.1e-05 ± 0.013"),
        (2.2331, 3.8e-9, "2.2331000 ± 3.8e-09"),  # a float32 has no more digits
        (1.2346e-8, 2.04e-10, "(1.235 ± 0.020)e-08"),
        (1.5e12, 3e9, "(1.5000 ± 0.0030)e+12"),
        (1.2e9, None, "1.200e+09"),
        (1e200, math.inf, "(1.000 ± inf)e+200"),
    ],
)
def test_digits_follow_each_half_width(mean, half_width, text):
    interval = Interval(mean, half_width, 3)
    shown = scale_of(Column("MSE", "test/mse", "lower"), interval).interval(interval)
    assert shown == text


def test_percent_has_two_decimals_and_more_where_the_half_width_needs_them():
    accuracy = Column("accuracy", "test/accuracy")
    for mean, half_width, text in (
        (0.9725, 0.0031, "97.25 ± 0.31"),
        (0.999512, 0.000038, "99.9512 ± 0.0038"),
    ):
        interval = Interval(mean, half_width, 3)
        assert scale_of(accuracy, interval).interval(interval) == text


def test_decimal_points_stand_in_line():
    """Half-widths of three values spread by d: 4.302653 * d / sqrt(3) is 2.484 d."""
    mse = Column("MSE", "test/mse", "lower")
    arms = [
        arm("fine", [2.2331, 2.2341, 2.2321]),
        arm("coarse", [143.0, 148.0, 138.0]),
        arm("gone", [None] * 3),
    ]
    for a in arms:
        for run in a.records.values():
            if "test/accuracy" in run.metrics:
                run.metrics["test/mse"] = run.metrics["test/accuracy"]
    lines = [
        line
        for line in render(build_table("T", arms, [mse], None, range(3)), "md").splitlines()
        if "±" in line
    ]
    fine, coarse = (line for line in lines if line.startswith("|"))
    assert "|   2.2331 ±  0.0025 " in fine
    assert "| 143      ± 12      " in coarse
    tex = render(build_table("T", arms, [mse], None, range(3)), "tex")
    assert r"143\phantom{.0000} $\pm$ 12\phantom{.0000}" in tex


def test_small_p_and_seconds():
    assert [p_value(p) for p in (None, 1.0, 0.00195, 1e-5)] == ["–", "1.0000", "0.0019", "<0.0001"]
    assert [seconds(s) for s in (None, 0.01234, 5.5, 1234.5)] == ["–", "0.0123", "5.5", "1234"]


# LaTeX
# ------------------------------------------------------------------------------------------------


def test_latex_is_one_booktabs_float(table):
    text = render(table, "tex")
    for once in (
        r"\begin{table}",
        r"\end{table}",
        r"\toprule",
        r"\midrule",
        r"\bottomrule",
    ):
        assert text.count(once) == 1
    assert r"\textbf{95.43 $\pm$ 2.09}" in text
    assert r"diverged (0/10)" in text
    assert r"Cells are mean $\pm$ half" in text
    assert "textbackslash" not in text
    body = text[text.index(r"\midrule") : text.index(r"\bottomrule")]
    columns = re.search(r"\\begin\{tabular\}\{@\{\}([lr]+)@\{\}\}", text)[1]
    rows = [line for line in body.splitlines() if line.endswith(r"\\")]
    assert len(rows) == 4
    assert all(line.count("&") == len(columns) - 1 for line in rows)


def test_latex_escapes():
    assert escape("50% & a_b #1 {x}") == r"50\% \& a\_b \#1 \{x\}"
    assert escape("--grid [0] ± 2") == r"-{}-grid {[}0{]} $\pm$ 2"
    assert escape("ℓ2 ≈ π·é, 中 «") == r"$\ell$2 $\approx$ $\pi$$\cdot$é, U+4E2D U+00AB"
    assert (
        escape("?` !` '' ,, – — \" a-b's")
        == r"?\textasciigrave{} !\textasciigrave{} '{}' ,{}, \textendash{} \textemdash{}"
        r" \textquotedblright{} a-b's"
    )
    assert escape("a\x1bb\xadc") == "aU+001BbU+00ADc"
    assert escape("\\x ~ ^") == r"\textbackslash{}x \textasciitilde{} \textasciicircum{}"


def test_long_latex_tables_go_over_pages():
    runs = [record(f"run{i}", i, 0.9) for i in range(2 * PAGE_ROWS + 1)]
    text = render(runs_table(runs), "tex")
    assert text.count(r"\begin{table}") == 3
    assert text.count("(continued)") == 2
    assert sum(f"run{i} " in text for i in range(len(runs))) == len(runs)


def test_a_latex_table_has_a_label_and_the_summary_as_its_caption(table):
    asked = dataclasses.replace(table, title="my_question", summary="does dropout help?")
    asked = dataclasses.replace(asked, caption="my_question. Cells are means.")
    text = render(asked, "tex")
    assert text.splitlines()[1] == r"\begin{table}"
    assert r"\caption{Does dropout help? Cells are means.}" in text
    assert r"\label{tab:my-question}" in text
    assert r"\documentclass" not in text
    plain = render(dataclasses.replace(asked, summary=""), "tex")
    assert r"\caption{my\_question. Cells are means.}" in plain
    whole = render(asked, "tex", standalone=True)
    assert whole.startswith(r"\documentclass")
    assert text.strip() in whole
    with pytest.raises(UserError, match="--standalone applies only to --format=tex"):
        render(asked, "md", standalone=True)


_PAPER = r"""\documentclass{article}
\usepackage{booktabs}
\begin{document}
Table~\ref{%s} shows the results.
\input{%s}
\end{document}
"""


def test_latex_compiles(table, tmp_path):
    compiler = shutil.which("pdflatex") or shutil.which("tectonic")
    if compiler is None:
        pytest.skip("neither pdflatex nor tectonic is installed")
    nasty = build_table(
        f"Nasty {NASTY} λ → 10²",
        [arm(NASTY, BASE), arm("[bracket first]", GOOD), arm("*star first", [None] * 10)],
        [
            Column("test accuracy", "test/accuracy"),
            Column("β & co", "test/accuracy", "lower", percent=False),
        ],
        NASTY,
        range(10),
    )
    narrow = table.listing(table.rows, "", ("arm", "test accuracy", "difference", "p"))
    (tmp_path / "narrow.tex").write_text(render(narrow, "tex"))
    for name, text in {
        "plain": render(table, "tex", standalone=True),
        "nasty": render(nasty, "tex", standalone=True),
        "runs": render(runs_of(table), "tex", standalone=True),
        "paper": _PAPER % (label_of(table.title), "narrow"),
    }.items():
        (tmp_path / f"{name}.tex").write_text(text)
        flags = ["-interaction=nonstopmode", "-halt-on-error"] if "pdflatex" in compiler else []
        done = subprocess.run(
            [compiler, *flags, f"{name}.tex"], cwd=tmp_path, capture_output=True, timeout=120
        )
        assert done.returncode == 0, done.stdout.decode(errors="replace")[-2000:]
        assert (tmp_path / f"{name}.pdf").stat().st_size > 1000
        assert b"Overfull" not in done.stdout or name == "nasty"


# CSV and JSON
# -----------------------------------------------------------------------------------------


def test_json_keeps_every_bit(table):
    tree = json.loads(render(table, "json"))
    good = tree["rows"][1]
    assert good["cells"][0]["values"] == GOOD
    assert good["run_ids"][0] == "good-0"
    cell = table.rows[1].cells[0]
    assert good["cells"][0]["interval"] == {
        "mean": cell.interval.mean,
        "half_width": cell.interval.half_width,
        "n": 10,
    }
    assert (good["cells"][0]["p"], good["cells"][0]["p_adjusted"]) == (cell.p, cell.p_adjusted)
    assert tree["rows"][3]["cells"][0]["interval"] is None
    assert tree["rows"][2]["cells"][0]["values"][9] is None
    assert json.loads(json.dumps(tree)) == tree
    assert tree["caption"] == table.caption


def test_csv_keeps_every_bit(table):
    rows = list(csv.DictReader(io.StringIO(render(table, "csv"))))
    assert [row["row"] for row in rows] == ["none", "good", "shaky", "gone"]
    cell = table.rows[1].cells[0]
    assert float(rows[1]["mean"]) == cell.interval.mean
    assert float(rows[1]["difference_half_width"]) == cell.difference.half_width
    assert (rows[1]["bold"], rows[1]["n"], rows[3]["diverged"], rows[3]["mean"]) == (
        "true",
        "10",
        "10",
        "",
    )


@pytest.mark.parametrize(
    "label", ["a\rb", "a\r\nb", "a\nb", 'say "hi", twice', "=1+1", "-5", "$5_$10", "a;b\tc", " x "]
)
def test_a_label_survives_csv_and_json(label):
    built = build_table("T", [arm(label, BASE)], [Column("acc", "test/accuracy")], None, range(10))
    text = render(built, "csv")
    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    assert (row["row"], row["n"]) == (label, "10")
    assert json.loads(render(built, "json"))["rows"][0]["label"] == label


def test_a_name_that_is_no_utf8_can_be_written():
    label = b"caf\xe9".decode("utf-8", "surrogateescape")
    built = build_table("T", [arm(label, BASE)], [Column("acc", "test/accuracy")], None, range(10))
    for form in FORMATS:
        render(built, form).encode()
    assert json.loads(render(built, "json"))["rows"][0]["label"] == label


@pytest.mark.filterwarnings("error")
def test_numbers_that_are_not_finite_are_written_in_every_format():
    loss = Column("loss", "test/nll", "lower")
    arms = [
        arm("huge", [1e308, 1.5e308, -1e308]),
        arm("small", [0.1, 0.2, 0.3]),
        arm("nan", [math.nan, math.inf, 1.0]),
    ]
    for a in arms:
        for run in a.records.values():
            run.metrics["test/nll"] = run.metrics["test/accuracy"]
    built = build_table("T", arms, [loss], "small", range(3))
    for form in FORMATS:
        assert "small" in render(built, form)
        assert render(runs_of(built), form)
    json.loads(render(built, "json"), parse_constant=pytest.fail)
    assert "nan" in render(runs_of(built), "md")


def test_an_unknown_format_names_the_known():
    with pytest.raises(UserError, match=r"unknown format 'latex'; .*tex"):
        render(runs_table([]), "latex")


# Rows are runs
# ----------------------------------------------------------------------------------------


def test_runs_show_what_differs_and_how_they_ended():
    runs = [
        record("a", 0, 0.9, learning_rate="0.1"),
        record("b", 1, 0.925, learning_rate="0.3"),
        record("c", 1, None, "diverged", learning_rate="30"),
    ]
    header, *rows = grid(render(runs_table([*runs, runs[0]]), "md"))
    assert header == ["learning_rate", "seed", "test/accuracy (%)", "status", "s/run", "run id"]
    assert rows[0] == ["0.1", "0", "90.00", "finished", "1", "a"]
    assert rows[2] == ["30", "1", "–", "diverged at step 7", "2", "c"]
    assert len(rows) == 3


def test_runs_behind_a_table_name_their_arms_in_every_format(table):
    runs = runs_of(table)
    tree = json.loads(render(runs, "json"))
    assert len(tree["runs"]) == 40
    assert tree["runs"][10]["row"] == "good"
    assert tree["runs"][19]["metrics"]["test/accuracy"] == GOOD[9]
    rows = list(csv.DictReader(io.StringIO(render(runs, "csv"))))
    assert (rows[39]["row"], rows[39]["status"], rows[39]["run_id"]) == (
        "gone",
        "diverged",
        "gone-9",
    )
    assert float(rows[19]["test/accuracy"]) == GOOD[9]
    assert "gone-9" in render(runs, "md")
    assert "gone-9" in render(runs, "tex")


def test_a_run_without_finite_metrics_is_null_in_json():
    tree = json.loads(render(runs_table([record("a", 0, float("nan"))]), "json"))
    assert tree["runs"][0]["metrics"] == {"test/accuracy": None}


@pytest.mark.parametrize("form", FORMATS)
def test_no_runs_are_an_empty_table(form):
    assert render(runs_table([]), form) is not None
