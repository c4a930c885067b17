"""Every cell of a table against numbers worked by hand; diverged, failed and missing runs;
captions."""

import dataclasses
import math
import time

import pytest

from research.analysis.arms_table import Arm, ArmsTable, Column, Published
from research.analysis.table_builder import Remarks, build_table
from research.errors import UserError
from tests.support.records import arm, record

ACCURACY = Column("test accuracy", "test/accuracy")
BASE = [0.90, 0.91, 0.92, 0.93, 0.94, 0.95, 0.96, 0.97, 0.98, 0.99]
GAINS = [0.01, 0.02, 0.01, 0.02, 0.01, 0.02, 0.01, 0.02, 0.01, 0.02]
GOOD = [b + g for b, g in zip(BASE, GAINS, strict=True)]
NOISY = [b + g for b, g in zip(BASE, [0.01, -0.01] * 5, strict=True)]


def table(
    *arms: Arm, baseline: str | None = "none", seeds=range(10), columns=(ACCURACY,), **more
) -> ArmsTable:
    return build_table("A table", arms, columns, baseline, seeds, Remarks(**more))


def cell(built: ArmsTable, label: str, column: int = 0):
    return built.row(label).cells[column]


def test_every_number_by_hand():
    """Means and differences within float64 rounding; 1e-6 where a quantile is written with seven
    digits."""
    built = table(arm("none", BASE), arm("good", GOOD), arm("noisy", NOISY))
    base, good, noisy = (cell(built, label) for label in ("none", "good", "noisy"))
    # The tenths 0..9 of a hundredth have standard deviation sqrt(82.5 / 9) hundredths; t(0.975, 9)
    # = 2.262157.
    assert base.interval.mean == pytest.approx(0.945)
    assert base.interval.half_width == pytest.approx(
        2.262157 * 0.01 * math.sqrt(82.5 / 9 / 10), rel=1e-6
    )
    assert (base.verdict, base.p, base.difference) == ("baseline", None, None)
    # Five gains of 0.01 and five of 0.02: mean 0.015, standard deviation 0.005 * sqrt(10 / 9).
    assert good.difference.mean == pytest.approx(0.015)
    assert good.p == 2 / 1024
    # The flip that makes all of noisy's differences equal has no spread, so a larger |t|.
    assert good.p_adjusted == 4 / 1024
    assert good.difference.half_width < 0.015  # as p says
    assert good.verdict == "better"
    assert noisy.difference.mean == pytest.approx(0, abs=1e-12)
    assert (noisy.p, noisy.p_adjusted, noisy.verdict) == (1, 1, "no difference shown")
    # Against the best, noisy ties on five seeds and loses by 0.03 on the others: p = 2/32, so it
    # stays bold.
    assert [c.bold for c in (base, good, noisy)] == [False, True, True]
    assert (built.m, built.row("good").parameters, built.row("good").seconds) == (2, 1234, 5.5)


def test_lower_is_better_turns_the_verdict():
    built = table(
        arm("none", BASE), arm("more", GOOD), columns=[Column("error", "test/accuracy", "lower")]
    )
    assert cell(built, "more").verdict == "worse"
    assert cell(built, "none").bold
    assert not cell(built, "more").bold


def test_five_seeds_cannot_conclude():
    built = table(arm("none", BASE[:5]), arm("good", GOOD[:5]), seeds=range(5))
    good = cell(built, "good")
    assert good.verdict == "cannot conclude at n=5"
    assert good.p == 2 / 32
    assert not any(c.bold for row in built.rows for c in row.cells)
    assert any(
        "Cannot conclude at n=5" in sentence and "nothing is bold" in sentence
        for sentence in built.footer
    )


def test_a_diverged_run_is_counted_and_takes_the_p():
    """The mean of the nine finished runs, within float64 rounding."""
    built = table(arm("none", BASE), arm("good", [*GOOD[:9], None]), arm("also", GOOD))
    good = cell(built, "good")
    assert (good.count("finished"), good.count("diverged"), good.interval.n) == (9, 1, 9)
    assert good.interval.mean == pytest.approx(math.fsum(GOOD[:9]) / 9)
    assert (good.p, good.p_adjusted, good.verdict, good.bold) == (
        None,
        None,
        "no test: diverged",
        False,
    )
    assert good.difference.n == 9
    assert cell(built, "also").p_adjusted == 2 / 1024
    assert any("good (1)" in sentence and "gets no p" in sentence for sentence in built.footer)
    assert "No run diverged." not in built.footer


def test_a_metric_that_is_not_finite_is_counted():
    """An infinite one is a divergence; NaN of a run that finished is a metric that its rows do not
    define."""
    built = table(
        arm("none", BASE), arm("bad", [*GOOD[:9], math.nan]), arm("worse", [math.inf, *GOOD[1:]])
    )
    bad, worse = cell(built, "bad"), cell(built, "worse")
    assert (bad.count("undefined"), bad.count("diverged"), bad.interval.n) == (1, 0, 9)
    assert (worse.count("undefined"), worse.count("diverged"), worse.interval.n) == (0, 1, 9)
    assert (bad.verdict, worse.verdict) == ("no test: undefined", "no test: diverged")
    assert any("is not a number" in sentence and "bad (1)" in sentence for sentence in built.footer)
    alone = table(arm("none", BASE), arm("constant", [math.nan] * 10))
    assert "No run diverged." in alone.footer


def test_an_arm_that_diverged_altogether_has_no_mean():
    built = table(arm("none", BASE), arm("gone", [None] * 10))
    gone = cell(built, "gone")
    assert (gone.interval, gone.difference, gone.p, gone.count("diverged")) == (
        None,
        None,
        None,
        10,
    )
    assert gone.verdict == "no test: diverged"


def test_a_diverged_baseline_leaves_differences_on_common_seeds_and_no_p():
    """The mean of nine differences by hand, within float64 rounding."""
    built = table(arm("none", [None, *BASE[1:]]), arm("good", GOOD))
    good = cell(built, "good")
    assert good.difference.n == 9
    assert good.difference.mean == pytest.approx((0.15 - 0.01) / 9)
    assert (good.p, good.verdict) == (None, "no test: baseline diverged")
    assert any("baseline 'none' itself" in sentence for sentence in built.footer)


def test_failed_and_missing_runs_are_told_apart():
    failed = arm("failed", GOOD)
    failed.records[3] = record("broken", 3, None, "failed")  # type: ignore[index]
    built = table(arm("none", BASE), failed, arm("some", {s: GOOD[s] for s in range(8)}))
    assert (cell(built, "failed").count("failed"), cell(built, "failed").verdict) == (
        1,
        "no test: failed",
    )
    some = cell(built, "some")
    assert (some.count("missing"), some.difference.n, some.p) == (2, 8, 2 / 256)
    assert some.p_adjusted <= 0.05
    assert some.verdict == "better"
    assert not some.bold


def test_nothing_trained_yet_is_a_table_of_missing_runs():
    built = table(Arm("none", {}), Arm("other", {}))
    assert cell(built, "other").count("missing") == 10
    assert cell(built, "other").verdict == "no test: no common seeds"
    assert built.row("none").seconds is None


def test_one_seed_has_no_interval():
    built = table(arm("none", BASE[:1]), arm("good", GOOD[:1]), seeds=[0])
    assert cell(built, "good").interval.half_width is None
    assert cell(built, "good").verdict == "cannot conclude at n=1"
    assert "One seed" in built.caption


def test_extra_seeds_do_not_enter():
    """The mean of the table's three seeds, within float64 rounding."""
    built = table(arm("none", BASE), arm("good", GOOD), seeds=range(3))
    assert cell(built, "good").interval.mean == pytest.approx(math.fsum(GOOD[:3]) / 3)


@pytest.mark.parametrize(
    ("published", "verdict", "gap"),
    [
        (Published(0.95, 0.02), "overlap", -0.005),  # ours 0.945 ± 0.0217
        (Published(0.99, 0.01), "worse", -0.045),
        (Published(0.90, 0.01), "better", 0.045),
        (Published(0.99), "worse", -0.045),
        (Published(0.90), "better", 0.045),
        (Published(0.94), "within our interval", 0.005),
        (Published(0.96), "within our interval", -0.015),
        (Published(0.96, 0.0), "overlap", -0.015),
    ],
)
def test_published_values_by_overlap_or_by_ordering(published, verdict, gap):
    """The gap is our mean minus the published value, within float64 rounding."""
    built = table(
        arm("none", BASE), arm("good", GOOD), published={("none", "test accuracy"): published}
    )
    compared = cell(built, "none").published
    assert compared.verdict == verdict
    assert compared.gap == pytest.approx(gap)


def test_one_seed_is_compared_with_a_published_value_by_ordering():
    published = {("none", "test accuracy"): Published(0.94)}
    built = table(arm("none", BASE[5:6]), arm("good", GOOD[:1]), seeds=[0], published=published)
    assert cell(built, "none").published.verdict == "better"


def test_published_beside_a_row_without_a_mean():
    built = table(
        arm("none", BASE),
        arm("gone", [None] * 10),
        published={("gone", "test accuracy"): Published(0.9)},
    )
    assert (cell(built, "gone").published.verdict, cell(built, "gone").published.gap) == (
        "none",
        None,
    )


def test_several_columns_are_tested_apart():
    arms = [arm("none", BASE), arm("good", GOOD)]
    for a in arms:
        for seed, run in a.records.items():
            run.metrics["test/nll"] = 0.5 if seed % 2 else 0.6
    built = table(*arms, columns=[ACCURACY, Column("NLL", "test/nll", "lower")])
    assert cell(built, "good", 0).p == 2 / 1024
    assert (cell(built, "good", 1).p, cell(built, "good", 1).verdict) == (1, "no difference shown")
    assert any("of each column" in sentence for sentence in built.footer)


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ([{"split_seed": "0"}, {"split_seed": "1"}], "the noise and the split into"),
        (
            [{"split_seed": "0"}, {"split_seed": "0"}],
            "The split is the same for all (split seed 0).",
        ),
        (
            [{"split_seed": "none"}, {"split_seed": "none"}],
            "for data without test rows of its own, the split",
        ),
        ([{}, {}], "and the noise."),
    ],
)
def test_the_caption_says_what_varies(config, sentence):
    arms = [
        Arm(label, {s: record(f"{label}{s}", s, 0.9 + 0.01 * s, **config[s]) for s in (0, 1)})
        for label in "ab"
    ]
    built = table(*arms, baseline="a", seeds=[0, 1])
    assert sentence in built.caption
    assert "half-width of the 95 % t-interval over n = 2 seeds" in built.caption


def test_the_caption_says_which_rows_weigh_classes():
    weights = {"b": "balanced", "c": "{cat: 2}"}
    arms = [
        Arm(label, {s: record(f"{label}{s}", s, 0.9, **config) for s in (0, 1)})
        for label in "abc"
        for config in [{"class_weight": weights[label]} if label in weights else {}]
    ]
    assert (
        "The training loss of b has class_weight=balanced (n / (K n_k) of the training rows). The"
        " training loss of c has class_weight={cat: 2}. Metrics are unweighted."
    ) in table(*arms, baseline=None, seeds=[0, 1]).caption
    assert (
        "The training loss has class_weight=balanced"
        in table(arms[1], baseline=None, seeds=[0, 1]).caption
    )
    assert "class_weight" not in table(arms[0], baseline=None, seeds=[0, 1]).caption


def test_the_footer_can_go_into_a_paper():
    built = table(
        arm("none", BASE),
        arm("good", GOOD),
        notes=["A note."],
        strengths="Strengths were tuned over 20 runs.",
    )
    text = " ".join(built.footer)
    for part in (
        "two-sided sign flips (exact)",
        "with all rows flipped together",
        "20 runs",
        "A note.",
        "No run diverged.",
    ):
        assert part in text
    assert "with jax 0.10.2, flax 0.12.8, on cpu, at commit abc1234" in text


def test_many_seeds_are_sampled_and_the_footer_says_so():
    values = [0.9 + 0.001 * s for s in range(35)]
    built = table(arm("none", values), arm("good", [v + 0.01 for v in values]), seeds=range(35))
    assert cell(built, "good").p == 1 / 20_000
    assert any("20,000 draws with a fixed seed" in sentence for sentence in built.footer)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"baseline": "nome"}, "the baseline 'nome' is not a row; did you mean none?"),
        (
            {"columns": [Column("x", "test/acuracy")]},
            "no run has the metric 'test/acuracy'; did you mean",
        ),
        ({"columns": [ACCURACY, ACCURACY]}, "two columns are called 'test accuracy'"),
        ({"published": {("god", "test accuracy"): Published(1)}}, "row 'god'; did you mean good?"),
        (
            {"published": {("good", "accuracy"): Published(1)}},
            "column 'accuracy'; did you mean test accuracy?",
        ),
    ],
)
def test_wrong_declarations_are_one_clear_line(wrong, message):
    with pytest.raises(UserError) as error:
        table(arm("none", BASE), arm("good", GOOD), **wrong)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_two_rows_of_one_label_are_refused():
    with pytest.raises(UserError, match="two rows are called 'none'"):
        table(arm("none", BASE), arm("none", GOOD))


def test_thousands_of_records_are_quick():
    arms = [
        arm(f"arm {i}", [0.9 + 0.001 * ((i * 7 + s * 3) % 11) for s in range(10)])
        for i in range(500)
    ]
    start = time.perf_counter()
    table(*arms, baseline="arm 0")
    assert time.perf_counter() - start < 5  # measured: 0.1 s


def test_intervals_beyond_100_percent_are_remarked():
    built = build_table(
        "t",
        [arm("sure", [1.0, 1.0, 1.0]), arm("near", [0.9, 1.0, 1.0])],
        [ACCURACY],
        None,
        range(3),
    )
    (remark,) = (sentence for sentence in built.footer if "beyond 0 or 100 %" in sentence)
    assert remark.endswith("sure; near.")


def test_ties_leave_too_few_pairs_to_conclude_anything():
    arms = [
        arm("none", [0.5] * 6),
        arm("tied", [0.5, 0.5, 0.6, 0.6, 0.6, 0.7]),
        arm("same", [0.5] * 6),
    ]
    built = build_table("T", arms, [ACCURACY], "none", range(6))
    assert built.row("tied").cells[0].verdict == "cannot conclude: 2 of 6 pairs tie"
    assert built.row("same").cells[0].verdict == "no difference shown"


def test_rows_that_are_as_good_and_cheaper_are_named():
    small = arm("small", [0.90, 0.91, 0.92, 0.90, 0.91, 0.92])
    fewer = {seed: dataclasses.replace(one, parameters=617) for seed, one in small.records.items()}
    arms = [
        arm("large", [0.90, 0.92, 0.91, 0.90, 0.92, 0.91]),
        dataclasses.replace(small, records=fewer),
    ]
    column = dataclasses.replace(ACCURACY, margin=0.05)
    built = build_table("T", arms, [column], "large", range(6))
    assert built.row("small").cells[0].verdict == "equivalent"
    sentence = "As good within the margin, and cheaper: small (617 of 1,234 parameters)."
    assert sentence in built.footer
    assert sentence not in build_table("T", arms, [ACCURACY], "large", range(6)).footer
