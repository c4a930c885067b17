"""Folds are lanes of one program: padded where they differ in size, and blind to rows of others."""

import dataclasses
import itertools
from typing import Any

import jax
import numpy as np
import pytest

from research.analysis.run_text import settings_text
from research.data import scaling
from research.data.features.table_columns import TableColumns
from research.data.in_memory import InMemorySource, categories, grouped
from research.data.one_hot import OneHot
from research.data.splitters.division import division
from research.errors import UserError
from research.registry import SELECTIONS, SPLITTERS
from research.sweeps.plan.run_plan import PlannedRun
from research.sweeps.plan.run_planner import Planner
from research.training.devices.strategy import ExecutionStrategy
from research.training.engine import loop
from research.training.setup.lane_inputs import make_lane_inputs
from tests.support.engine import IMAGES, TABLE, run
from tests.training.stops import snapshots, train

# 60 rows in 7 folds: four test 9 rows and three test 8.
UNEVEN = {"split": "kfold(7,validation=0.1)", "split_seed": 3, "epochs": 2}
# The folds train on 15, 30 and 45 rows, whatever the seed.
SERIES = {"split": "time_series(3)", "split_seed": None, "epochs": 1}


def outcomes(runs: list[PlannedRun], source: InMemorySource, width: int) -> list[loop.Outcome]:
    configs = [own.config for own in runs]
    return loop.train(runs[0].program, configs, source.data, ExecutionStrategy(width, 2))


def folds(count: int = 7, **settings: Any) -> list[PlannedRun]:
    return [run(**{**UNEVEN, **settings}, fold=fold) for fold in range(count)]


def test_folds_share_a_program_and_pad_what_is_smaller() -> None:
    runs = folds()
    assert {own.program for own in runs} == {runs[0].program}
    sizes = runs[0].program.sizes
    assert (sizes.train, sizes.validation, sizes.test) == (47, 5, 9)
    assert sizes.fewest == (46, 5, 8)
    assert len({own.id for own in runs}) == 7


@pytest.mark.parametrize(
    "settings",
    [
        {"batch_size": 8},
        {"batch_size": "full"},
        {"batch_size": 10, "remainder": "pad", "regularization": "dropout=0.3,batch_norm"},
    ],
    ids=["drop", "full", "pad"],
)
def test_a_fold_alone_is_the_fold_as_a_lane(settings: dict[str, Any]) -> None:
    """At one width the bits are the same, whatever the other lanes are."""
    runs = folds(**settings)
    together = outcomes(runs, IMAGES, 7)
    for fold in (0, 6):
        (alone,) = outcomes(runs[fold : fold + 1], IMAGES, 7)
        assert alone.metrics == together[fold].metrics
        assert alone.checksums == together[fold].checksums
        assert alone.curves == together[fold].curves


def test_a_smaller_fold_trains_and_is_measured_on_its_own_rows() -> None:
    """Full batches of a linear model: gradient descent by hand on the rows of each fold."""
    settings = {"arch": "linear", "batch_size": "full", "epochs": 3, "target_scaling": "none"}
    runs = [
        run(regression=True, **{**UNEVEN, **settings, "learning_rate": 0.1}, fold=fold)
        for fold in range(7)
    ]
    x, y = TABLE.data.x.astype(np.float64), TABLE.data.y.astype(np.float64)
    splits = division(runs[0].config.split).splits(TABLE.spec, TABLE.data, seed=3)
    for outcome, split in zip(outcomes(runs, TABLE, 7), splits, strict=True):
        mean, deviation = x[split.train].mean(axis=0), x[split.train].std(axis=0)
        scaled = (x - mean) / deviation
        weights, bias = np.zeros(4), 0.0  # the linear model starts at zeros
        for _ in range(3):
            errors = scaled[split.train] @ weights + bias - y[split.train]
            weights = weights - 0.1 * 2 * scaled[split.train].T @ errors / len(errors)
            bias = bias - 0.1 * 2 * errors.mean()
        for part in ("validation", "test"):
            rows = getattr(split, part)
            error = np.mean((scaled[rows] @ weights + bias - y[rows]) ** 2)
            assert outcome.metrics[f"{part}/mse"] == pytest.approx(error, rel=1e-4)
            if part == "validation":
                assert outcome.curves["validation/mse"][-1] == pytest.approx(error, rel=1e-4)


@pytest.mark.parametrize("strategy", [ExecutionStrategy(3, 2), ExecutionStrategy(1, 1, 2)])
def test_folds_that_are_stopped_anywhere_end_with_the_same_bits(
    strategy: ExecutionStrategy,
) -> None:
    """Folds of two sizes, the smaller ones padded in the last batch of each epoch."""
    settings = {"batch_size": 10, "remainder": "pad", "regularization": "dropout=0.3,ema=0.5"}
    runs = folds(**settings)[2:7:2]
    whole, taken = snapshots(runs, strategy)
    for step in (1, 4, 7):
        assert repr(train(runs, strategy, resume=taken[step])) == repr(whole)


def with_garbage(source: InMemorySource, rows: np.ndarray, labels: bool) -> InMemorySource:
    """The source with other inputs in these rows; labels: and other targets."""
    encoded = isinstance(source.data.x, OneHot)
    x = np.array(source.data.x.values if encoded else source.data.x)
    y = np.array(source.data.y)
    generator = np.random.default_rng(7)
    x[rows] = generator.permuted(x[rows], axis=0) + x.dtype.type(not encoded) * x.dtype.type(9)
    if labels:
        y[rows] = 1000 * y[rows] + 5
    x = OneHot(x, source.spec.inputs.as_a(TableColumns).categories) if encoded else x
    return dataclasses.replace(source, data=source.data._replace(x=x, y=y))


def as_table(images: InMemorySource) -> InMemorySource:
    """The first pixels of images, as numbers of a table."""
    x = np.asarray(images.data.x, np.float32).reshape(images.spec.size, -1)[:, :4]
    spec = dataclasses.replace(images.spec, inputs=TABLE.spec.inputs, fingerprint="pixels")
    return InMemorySource(spec, images.data._replace(x=x))


def with_holes(source: InMemorySource, impute: str) -> InMemorySource:
    """The source with missing inputs."""
    x = np.array(source.data.x)
    x[np.random.default_rng(1).random(x.shape) < 0.2] = np.nan
    inputs = dataclasses.replace(source.spec.inputs, impute=impute)  # type: ignore[call-arg]
    spec = dataclasses.replace(source.spec, inputs=inputs, fingerprint="holes")
    return InMemorySource(spec, source.data._replace(x=x))


SPLITS = {
    "8:1:1": None,
    "kfold(7,validation=0.1)": 1,
    "kfold(3)": 1,
    "stratified_kfold(3,validation=0.1)": 1,
    "repeated_kfold(3,2)": 4,
    "leave_one_out(validation=0.2)": 7,
    "shuffle(3,test=0.3,validation=0.1)": 2,
    "time_series(4,gap=2,validation=0.2)": 3,
    "bootstrap(3,validation=0.1)": 1,
    "nested(3,2,validation=0.1)": 1,
    "group_kfold(3,validation=0.3)": 1,
    "stratified_group_kfold(3,validation=0.3)": 1,
}
# Numbers with holes, categories, and classes: what is fitted to rows, and what stratifies them.
DATA = {"numbers": TABLE, "categories": categories(), "classes": IMAGES}


def test_every_splitter_is_tried() -> None:
    tried = {split.partition("(")[0] for split in SPLITS}
    assert {entry.name for entry in SPLITTERS} <= tried


def divisible(split: str, source: InMemorySource) -> InMemorySource:
    """The source with groups, where the split divides them."""
    return grouped(source) if "group" in split else source


def draws(split: str) -> bool:
    """Whether the seed decides something, so that it may be given."""
    return SPLITTERS.get(split.partition("(")[0]).seeded or split.startswith("leave_one_out(")


def planned(split: str, source: InMemorySource, **settings: Any) -> tuple[PlannedRun, np.ndarray]:
    """The run of a fold, and the rows that do not train in it."""
    fixed = {
        "split": split,
        "split_seed": 3 if draws(split) else 0,
        "batch_size": 8,
        "epochs": 1,
        "arch": "linear",
        "learning_rate": 0.01,
    }
    if SPLITS[split] is not None:
        fixed["fold"] = SPLITS[split]
    own = Planner(lambda config: source).runs([fixed | settings])[0]
    rows = division(own.config.split).splits(source.spec, source.data, seed=3)
    of_fold = rows[own.config.fold or 0]
    others = np.concatenate([of_fold.validation, of_fold.test])
    assert len(others)
    return own, others


def test_folds_of_a_series_that_differ_in_steps_say_so() -> None:
    """Of 60 rows the folds train on 15, 30 and 45: one, three and five batches of 8."""
    runs = folds(3, **SERIES, batch_size=8)
    assert [own.program.steps for own in runs] == [1, 3, 5]
    first, *_ = settings_text(runs)
    assert first.startswith("3 folds of split=time_series(3,gap=0,validation=0), each of")
    assert first.endswith(" parameters, 1 to 5 steps:")


def test_padded_folds_are_trained_on_all_their_rows() -> None:
    """15, 30 and 45 rows are one, two and three batches of 15; of 14 they are one more."""
    for batch, steps in ((15, [1, 2, 3]), (14, [2, 3, 4])):
        settings = {**SERIES, "batch_size": batch}
        padded = folds(3, **settings, remainder="pad")
        assert [own.program.steps for own in padded] == steps


def test_a_batch_has_at_most_the_rows_of_its_fold() -> None:
    """The first fold has 15 rows; the folds differ by 30, so they could share a program."""
    with pytest.raises(UserError, match="batch_size=40 is larger than the 15 training rows of fol"):
        folds(3, **SERIES, batch_size=40)
    assert run(**SERIES, batch_size=40, fold=2).program.steps == 1
    assert [own.program.steps for own in folds(3, **SERIES, batch_size="full")] == [1, 1, 1]


def test_a_seed_without_an_effect_is_refused() -> None:
    for split in ("time_series(3)", "leave_one_out"):
        for seed in (7, "seed"):
            with pytest.raises(UserError, match="split_seed has no effect: split="):
                run(**{**SERIES, "split": split, "split_seed": seed, "fold": 0, "batch_size": 8})
    # They draw the rows that validate, or train.
    for split, size in (("leave_one_out(validation=0.1)", None), ("time_series(3)", 10)):
        settings = {**SERIES, "split": split, "split_seed": 7, "train_size": size, "fold": 0}
        assert run(**settings, batch_size=8).config.split_seed == 7


def test_lanes_share_the_drawing_of_their_folds(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = folds()
    made = [make_lane_inputs(own.config, own.program, IMAGES.data).lane.test for own in runs]
    drawn = division(runs[0].config.split)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the folds were drawn again")

    monkeypatch.setattr(type(drawn), "splits", refuse)
    again = [make_lane_inputs(own.config, own.program, IMAGES.data).lane.test for own in runs]
    np.testing.assert_array_equal(made, again)
    # Other labels, of the same data set or not, may stratify other rows.
    copied = IMAGES.data._replace(y=IMAGES.data.y.copy())
    with pytest.raises(AssertionError, match="drawn again"):
        make_lane_inputs(runs[0].config, runs[0].program, copied)


@pytest.mark.parametrize("split", SPLITS)
def test_no_row_that_validates_or_tests_changes_a_bit_of_what_is_fitted(split: str) -> None:
    """Scaling, imputation and all else that a lane knows are functions of its training rows."""
    for kind, impute, method in itertools.product(
        DATA, ["", "mean", "median", "most_frequent"], [*scaling.METHODS, *scaling.CURVED]
    ):
        source = DATA[kind]
        if (impute and kind != "numbers") or (kind != "classes" and split.startswith("stratified")):
            continue
        # A curve is of the numbers of tables, however their gaps are filled.
        if method in scaling.CURVED and impute != "median" and kind != "categories":
            continue
        source = with_holes(source, impute) if impute else source
        source = divisible(split, source)
        run, others = planned(split, source, scaling=method)
        # What stratifies are labels, which stay: another split would be other rows.
        garbage = with_garbage(source, others, labels=not source.spec.targets.classes)
        lanes = [
            jax.tree.leaves(make_lane_inputs(run.config, run.program, given.data).lane)
            for given in (source, garbage)
        ]
        for ours, theirs in zip(*lanes, strict=True):
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("encoding", ["ordinal", "frequency", "target"])
def test_no_other_row_changes_a_code(encoding: str) -> None:
    """Neither its categories nor its target, which is a number here, whatever the scaling."""
    splits = [split for split in SPLITS if not split.startswith("stratified")]
    for split, method in zip(splits, itertools.cycle(scaling.METHODS)):
        source = divisible(split, DATA["categories"])
        run, others = planned(split, source, encoding_of_categories=encoding, scaling=method)
        garbage = with_garbage(source, others, labels=True)
        lanes = [
            jax.tree.leaves(make_lane_inputs(run.config, run.program, given.data).lane)
            for given in (source, garbage)
        ]
        for ours, theirs in zip(*lanes, strict=True):
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("split", SPLITS)
def test_no_row_that_validates_or_tests_changes_a_bit(split: str) -> None:
    """The parameters of a fold are a function of its training rows: with garbage in all others
    they have the same bits."""
    classes = split.startswith("stratified")
    source = IMAGES if classes else with_holes(TABLE, "mean")
    source = divisible(split, source)
    run, others = planned(split, source)
    checksums = []
    for given in (source, with_garbage(source, others, labels=not classes)):
        (outcome,) = loop.train(run.program, [run.config], given.data, ExecutionStrategy(1, 8))
        checksums.append(outcome.checksums)
    assert checksums[0] == checksums[1]


@pytest.mark.parametrize("kind", ["numbers", "categories", "classes"])
def test_no_row_that_validates_or_tests_changes_a_reduction(kind: str) -> None:
    """Components are those of the scaled training rows: with garbage in all others a lane has the
    same bits."""
    source = with_holes(TABLE, "mean") if kind == "numbers" else DATA[kind]
    split = "kfold(3)"
    source = divisible(split, source)
    run, others = planned(split, source, reduce="pca(2)")
    garbage = with_garbage(source, others, labels=not source.spec.targets.classes)
    ours, theirs = (
        make_lane_inputs(run.config, run.program, given.data).lane for given in (source, garbage)
    )
    assert run.program.spec.inputs.shape == (2,)
    for one, other in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        np.testing.assert_array_equal(one, other)


def test_no_other_row_changes_the_medians_of_groups() -> None:
    """Nor does it where steps make further columns of what they fill."""
    for split, features, method in (
        ("kfold(3)", None, "median(by=b)"),
        ("bootstrap(3,validation=0.1)", STEPS["categories"], "indicator(median(by=b))"),
    ):
        source = DATA["categories"]
        values = np.array(source.data.x.values)
        values[::3, 0] = np.nan
        kinds = source.spec.inputs.as_a(TableColumns).categories
        inputs = dataclasses.replace(source.spec.inputs, impute=method)
        spec = dataclasses.replace(source.spec, inputs=inputs, fingerprint="holes of groups")
        source = InMemorySource(spec, source.data._replace(x=OneHot(values, kinds)))
        run, others = planned(split, source, features=features)
        lanes = [
            make_lane_inputs(run.config, run.program, given.data).lane
            for given in (source, with_garbage(source, others, labels=True))
        ]
        assert len(np.unique(lanes[0].fill[:-1, 0])) == 3
        for ours, theirs in zip(*map(jax.tree.leaves, lanes), strict=True):
            np.testing.assert_array_equal(ours, theirs)


STEPS = {
    "numbers": "bins(x0,3), interactions(2), ratio(x1,x2)",
    "categories": "aggregate(by=a, of=x0|x1, with=mean|std|skew|count), bins(x1,3)",
}


@pytest.mark.parametrize("kind", STEPS)
def test_no_row_that_validates_or_tests_changes_what_steps_fit(kind: str) -> None:
    """Edges, aggregates and the scaling of what steps make are functions of training rows."""
    splits = [split for split in SPLITS if not split.startswith("stratified")]
    for split in splits[1:5]:
        source = divisible(split, DATA[kind])
        run, others = planned(split, source, features=STEPS[kind])
        lanes = [
            make_lane_inputs(run.config, run.program, given.data).lane
            for given in (source, with_garbage(source, others, labels=True))
        ]
        assert lanes[0].statistics
        for ours, theirs in zip(*map(jax.tree.leaves, lanes), strict=True):
            np.testing.assert_array_equal(ours, theirs)


SELECTIONS_OF_TWO = {
    "variance": "variance(0.5)",
    "correlation": "correlation(0.1)",
    "l1": "l1(0.1)",
    "stability": "stability(0.5,halves=4)",
}


@pytest.mark.parametrize("select", SELECTIONS.names())
def test_no_row_that_validates_or_tests_changes_what_is_chosen(select: str) -> None:
    """What a selection reads are training rows, so that a lane has the same bits."""
    if select == "none":
        return
    text = SELECTIONS_OF_TWO.get(select, f"{select}(2)")
    # Models that are fitted many times take longer than all others together.
    slow = select in ("trees", "forward", "backward")
    stratified = [split for split in SPLITS if split.startswith("stratified")]
    splits = [split for split in SPLITS if split not in stratified]
    tables = {"numbers": with_holes(TABLE, "mean"), "categories": DATA["categories"]}
    tried = [*itertools.product(splits[1 : 2 if slow else None], tables)]
    if not slow:
        tables["classes"] = as_table(IMAGES)
        tried += [(split, "classes") for split in stratified]
    for split, kind in tried:
        source = divisible(split, tables[kind])
        run, others = planned(split, source, select=text)
        # What stratifies are labels, which stay: another split would be other rows.
        garbage = with_garbage(source, others, labels=kind != "classes")
        lanes = [
            make_lane_inputs(run.config, run.program, given.data).lane
            for given in (source, garbage)
        ]
        assert np.isfinite(lanes[0].scale).any()
        for ours, theirs in zip(*map(jax.tree.leaves, lanes), strict=True):
            np.testing.assert_array_equal(ours, theirs)
