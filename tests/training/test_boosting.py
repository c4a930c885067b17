"""Boosted runs: AdaBoost's weights and gradient boosting's residuals, by hand and against
scikit-learn, and as lanes."""

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np
import pytest
from sklearn._loss.loss import HalfMultinomialLoss
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.ensemble import AdaBoostClassifier, AdaBoostRegressor, GradientBoostingRegressor

from research.data.in_memory import InMemorySource
from research.errors import UserError
from research.sweeps.plan.run_plan import PlannedRun
from research.sweeps.plan.run_planner import Planner
from research.training.boosting import residuals, reweighting
from research.training.boosting.earlier_runs import EarlierRuns, Kept, lane_fields
from research.training.devices.strategy import ExecutionStrategy
from research.training.engine.chunk import StreamingPolicy
from research.training.engine.predicted_rows import PredictedRows
from research.training.setup.lane_inputs import make_lane_inputs
from research.training.step import objective
from tests.support.engine import BASE, IMAGES, TABLE, data_of, run
from tests.training import stops

RNG = np.random.default_rng(0)
ROWS = 40
LABELS = RNG.integers(0, 3, ROWS)
VALUES = RNG.normal(size=ROWS)
# What members answer: right in about two thirds of the rows.
ANSWERS = np.where(RNG.random((4, ROWS)) < 0.6, LABELS, RNG.integers(0, 3, (4, ROWS)))
GUESSES = VALUES + RNG.exponential(size=(4, ROWS)) * RNG.choice([-1, 1], (4, ROWS))


class Scripted(BaseEstimator):
    """Answers what the script says, and notes the weights that it is fitted with."""

    script: ClassVar[list[np.ndarray]]
    seen: ClassVar[list[np.ndarray | None]]

    def fit(self, x: Any, y: np.ndarray, sample_weight: np.ndarray | None = None) -> "Scripted":
        self.classes_ = np.unique(LABELS)
        self.answers = self.script.pop(0)
        self.seen.append(sample_weight)
        return self

    def predict(self, x: np.ndarray) -> np.ndarray:
        return self.answers[x[:, 0]]


class Classifier(ClassifierMixin, Scripted):
    script, seen = list(ANSWERS), []


class Regressor(RegressorMixin, Scripted):
    script, seen = list(GUESSES), []


@pytest.mark.parametrize("rate", [1.0, 0.5])
def test_samme_is_scikit_learns(rate: float) -> None:
    """Its weights of rows and members, and its probabilities, for the same answers of members."""
    Classifier.script, Classifier.seen = list(ANSWERS), []
    theirs = AdaBoostClassifier(Classifier(), n_estimators=4, learning_rate=rate)
    x = np.arange(ROWS)[:, None]
    theirs.fit(x, LABELS)
    for done in range(4):
        ours = reweighting.samme(ANSWERS[:done] != LABELS, classes=3, rate=rate)
        np.testing.assert_allclose(ours.rows / ROWS, Classifier.seen[done], rtol=1e-12)
    ours = reweighting.samme(ANSWERS != LABELS, classes=3, rate=rate)
    np.testing.assert_allclose(ours.members, theirs.estimator_weights_, rtol=1e-12)
    logits = reweighting.votes(ANSWERS, ours.members, classes=3)
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(shares, theirs.predict_proba(x), rtol=1e-12)


def test_r2_is_scikit_learns() -> None:
    """Its weights of members, which follow from those of rows, and its weighted median."""
    Regressor.script, Regressor.seen = list(GUESSES), []
    x = np.arange(ROWS)[:, None]
    theirs = AdaBoostRegressor(Regressor(), n_estimators=4, random_state=0).fit(x, VALUES)
    ours = reweighting.r2(np.abs(GUESSES - VALUES))
    np.testing.assert_allclose(ours.members, theirs.estimator_weights_, rtol=1e-12)
    median = reweighting.weighted_median(GUESSES, ours.members)
    np.testing.assert_array_equal(median, theirs.predict(x))


def test_samme_by_hand() -> None:
    """Four rows and two classes: an error of 1/4 weighs log 3; then the first row has half of all
    weight, and a mistake in one of the others an error of 1/6."""
    wrong = np.array([[1, 0, 0, 0], [0, 1, 0, 0]], bool)
    ours = reweighting.samme(wrong, classes=2)
    np.testing.assert_allclose(ours.members, np.log([3, 5]))
    # 1/2, 1/6, 1/6, 1/6; the second one times 5, of a sum of 5/3.
    np.testing.assert_allclose(ours.rows / 4, [0.3, 0.5, 0.1, 0.1])


def test_a_member_without_mistakes_or_without_use_is_the_last() -> None:
    """SAMME's weights by hand, within float64 rounding."""
    right, wrong = np.zeros(4, bool), np.array([1, 1, 1, 0], bool)
    some = np.array([1, 0, 0, 0], bool)
    for mistakes, expected in (
        ([some, right, some], [np.log(3), 1, 0]),
        ([some, wrong, some], [np.log(3), 0, 0]),
        ([wrong, some], [1, 0]),
    ):
        weights = reweighting.samme(np.array(mistakes), classes=2)
        np.testing.assert_allclose(weights.members, expected)


def test_the_recursion_of_gradient_boosting_is_scikit_learns() -> None:
    """With its trees as members: they fit our residuals, and their sum is its prediction."""
    x = RNG.normal(size=(ROWS, 2))
    theirs = GradientBoostingRegressor(n_estimators=3, learning_rate=0.5, max_depth=1)
    theirs.fit(x, VALUES)
    scores = np.full(ROWS, residuals.first_scores(VALUES, 0)[0])
    for number, staged in enumerate(theirs.staged_predict(x)):
        left = np.asarray(residuals.negative_gradient(jnp.array(VALUES), jnp.array(scores), False))
        (tree,) = theirs.estimators_[number]
        leaves = tree.apply(x)
        means = [left[leaves == leaf].mean() for leaf in leaves]
        np.testing.assert_allclose(tree.predict(x), means, atol=1e-6)
        scores = scores + 0.5 * tree.predict(x)
        np.testing.assert_allclose(scores, staged, rtol=1e-6)


def test_the_gradient_of_classes_is_scikit_learns() -> None:
    """The gradient is scikit-learn's, within float32 rounding."""
    scores = RNG.normal(size=(ROWS, 3))
    ours = residuals.negative_gradient(np.eye(3)[LABELS], scores, classes=True)
    theirs = HalfMultinomialLoss(n_classes=3).gradient(LABELS.astype(float), scores)
    np.testing.assert_allclose(ours, -theirs, atol=1e-6)


def kept(of: PlannedRun, scores: np.ndarray) -> Kept:
    """Predictions of every part, as an earlier member keeps them."""
    lane = make_lane_inputs(of.config, of.program, data_of(of).data).lane
    y = data_of(of).data.y
    parts = {part: getattr(lane, part) for part in ("train", "validation", "test")}
    return {name: PredictedRows(rows, scores[rows], y[rows]) for name, rows in parts.items()}


def boosted(boost: str, regression: bool = False, **settings: Any) -> PlannedRun:
    return run(regression, boost=boost, after=("0" * 16,), **settings)


def random_scores(regression: bool, seed: int = 0) -> np.ndarray:
    """Scores of all rows, which favour the right class."""
    source = TABLE if regression else IMAGES
    width = source.spec.targets.width
    drawn = np.random.default_rng(seed).normal(size=(source.spec.size, width))
    favoured = drawn if regression else drawn + 2 * np.eye(width)[source.data.y]
    return favoured.astype(np.float32)


def test_members_of_other_rows_are_refused() -> None:
    """Their scores of this run's test rows would be of rows that they were trained on."""
    of, other = boosted("residuals"), boosted("residuals", split_seed=1)
    earlier = [kept(other, random_scores(False))]
    with pytest.raises(UserError, match="was trained on other rows than this one; name runs of"):
        stops.train([of], ExecutionStrategy(1, 5), earlier=[earlier])


def test_earlier_members_are_read_one_at_a_time() -> None:
    """AdaBoost reads each of them once; gradient boosting the last, which has the sum."""
    of = boosted("weights")
    members = {name: kept(of, random_scores(False, seed)) for seed, name in enumerate("ab")}
    train = members["a"]["train"].rows
    cases: dict[Any, list[str]] = {"weights": ["a", "b"], "residuals": ["b"]}
    for boost, expected in cases.items():
        reads: list[str] = []

        def load(run_id: str, reads: list[str] = reads) -> Kept:
            reads.append(run_id)
            return members[run_id]

        config = dataclasses.replace(of.config, boost=boost)
        lane_fields(config, IMAGES.data.y, train, 3, EarlierRuns(("a", "b"), load))
        assert reads == expected


def test_the_weights_are_those_of_a_column() -> None:
    """The same numbers as example weights of the data give the same bits."""
    of = boosted("weights")
    earlier = [kept(of, random_scores(False))]
    (ours,) = stops.train([of], ExecutionStrategy(1, 5), earlier=[earlier])
    classes = IMAGES.spec.targets.width
    train = earlier[0]["train"].rows
    fields = lane_fields(of.config, IMAGES.data.y, train, classes, earlier)
    weights = fields["row_weight"].astype(np.float32)
    assert len(set(weights[train])) == 2
    spec = dataclasses.replace(IMAGES.spec, weighted=True, fingerprint="weighted")
    source = InMemorySource(spec, IMAGES.data._replace(weights=weights))
    (plain,) = Planner(lambda config: source).runs([BASE])
    (theirs,) = stops.loop.train(
        plain.program, [plain.config], source.data, ExecutionStrategy(1, 5)
    )
    assert ours.checksums == theirs.checksums


def test_residuals_are_trained_as_targets() -> None:
    """A run that fits what others leave is that of a table whose targets are the residuals; its
    scores are the sum."""
    settings = {"target_scaling": "none", "boost_rate": 0.5}
    of = boosted("residuals", regression=True, **settings)
    so_far = random_scores(True)
    (ours,) = stops.train(
        [of], ExecutionStrategy(1, 5), earlier=[[kept(of, so_far)]], keep_predictions=True
    )
    left = (TABLE.data.y - so_far[:, 0]).astype(np.float32)
    source = InMemorySource(TABLE.spec, TABLE.data._replace(y=left))
    (plain,) = Planner(lambda config: source).runs([{**BASE, "target_scaling": "none"}])
    (theirs,) = stops.loop.train(
        plain.program,
        [plain.config],
        source.data,
        ExecutionStrategy(1, 5),
        stops.PackSetup(keep_predictions=True),
    )
    assert ours.checksums == theirs.checksums
    assert ours.curves["validation/loss"] == theirs.curves["validation/loss"]
    mine, other = ours.predictions["test"], theirs.predictions["test"]
    np.testing.assert_allclose(
        mine.scores, so_far[mine.rows] + 0.5 * other.scores, rtol=1e-5, atol=1e-6
    )
    mean = np.mean((mine.scores[:, 0] - mine.targets) ** 2)
    assert ours.metrics["test/mse"] == pytest.approx(mean, rel=1e-6)
    assert ours.curves["validation/mse"][-1] == pytest.approx(ours.metrics["validation/mse"])
    assert set(ours.predictions) == {"train", "validation", "test"}


@pytest.mark.parametrize("boost", ["weights", "residuals"])
def test_lanes_learn_from_earlier_runs_of_their_own(boost: str) -> None:
    """A lane has the bits that it has beside others, and goes on from a snapshot with the same."""
    first, second = boosted(boost), boosted(boost, seed=1)
    lessons = [[kept(of, random_scores(False, seed))] for seed, of in enumerate((first, second))]

    def train(order: Sequence[int], **setup: Any) -> list[Any]:
        runs = [(first, second)[i] for i in order]
        earlier = [lessons[i] for i in order]
        return stops.train(runs, ExecutionStrategy(2, 2), earlier=earlier, **setup)

    taken: dict[int, Any] = {}
    together = train([0, 1], observer=stops.taking(taken))
    assert together[0].checksums != together[1].checksums
    assert repr(train([1, 0])) == repr(together[::-1])
    assert repr(train([0, 1], resume=taken[7])) == repr(together)
    # Data that stay on the host are looked up by the same numbers.
    assert repr(train([0, 1], memory=StreamingPolicy(device=0))) == repr(together)


def test_what_a_run_learns_is_part_of_it() -> None:
    """Its id is of the ids of those before it; boosted runs of one kind share a program."""
    one = boosted("weights")
    other = run(boost="weights", after=("1" * 16,))
    assert len({run().id, run(boost="weights").id, one.id, other.id}) == 4
    assert one.program is other.program
    assert objective.curve_names(one.program) == objective.curve_names(run().program)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"after": ("0" * 16,)}, "after applies only with --boost"),
        ({"boost_rate": 0.5}, "boost_rate applies only with --boost"),
        ({"boost": "weights", "label_noise": 0.1}, "label_noise does not go with boost=weights"),
        ({"boost": "weights", "class_weight": "balanced"}, "class_weight does not go with"),
        ({"boost": "residuals", "loss": "hinge"}, "loss=hinge does not go with boost=residuals"),
        ({"boost": "residuals", "regularization": "mixup=1"}, "mixup does not go with"),
        ({"boost": "residuals", "arch__members": 2}, r"arch\.members does not go with"),
    ],
)
def test_what_cannot_be_boosted(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError, match=says):
        run(**settings)
