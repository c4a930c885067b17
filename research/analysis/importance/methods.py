"""The methods of launch.explain by name: each asks the runs of one row and says what matters."""

from collections.abc import Mapping, Sequence

import numpy as np

from research.analysis.importance import (
    attribution_maps,
    gradients,
    importance_figures,
    occlusion,
)
from research.analysis.importance.dependence import dependence
from research.analysis.importance.feature_columns import masks_of
from research.analysis.importance.fitted_importance import fitted_importance
from research.analysis.importance.importances import Importances
from research.analysis.importance.inquiry import Explanation, Inquiry, Method, worsening
from research.analysis.importance.kept_run import KeptRun
from research.analysis.importance.permutation_importance import permutation_importance
from research.analysis.importance.shapley import EXACT_UP_TO, shapley
from research.data.features.image import Image
from research.data.features.table_columns import TableColumns
from research.errors import UserError
from research.words import plural

# Training rows whose values stand for those of unknown features.
BACKGROUND = 50


def _permutation(label: str, runs: Sequence[KeptRun], inquiry: Inquiry) -> Explanation:
    metric = inquiry.metric or next(iter(runs[0].program.problem.better))
    features = inquiry.features(runs[0])
    values = permutation_importance(runs, features, metric, inquiry.part, inquiry.repeats)
    importances = Importances(label, [feature.name for feature in features], values)
    rows = len(runs[0].rows(inquiry.part))
    remark = (
        f"How much worse {metric} is on {rows:,} {inquiry.part} rows if the values of a feature"
        f" are shuffled over the rows: the mean of {plural(inquiry.repeats, 'shuffle')}."
    )
    quantity = worsening(metric, runs[0].program.problem.better.get(metric) == "lower")
    return Explanation(importances, quantity, remark, metric)


def _shapley(label: str, runs: Sequence[KeptRun], inquiry: Inquiry) -> Explanation:
    features = inquiry.features(runs[0])
    of_runs = []
    for run in runs:
        x = run.inputs(inquiry.some(run, inquiry.part))
        background = run.inputs(inquiry.some(run, "train", BACKGROUND))
        masks = masks_of(features, x)
        of_runs.append(
            (x, shapley(run.predictions, x, background, masks, inquiry.repeats, run.seed))
        )
    values = np.stack([np.abs(each.values).mean(axis=(0, 2)) for _, each in of_runs])
    bound = max(float(each.half_width.max()) for _, each in of_runs)
    if len(features) <= EXACT_UP_TO:
        how = "They are exact."
    else:
        how = f"They are sampled; the largest 95 % half-width of a single value is {bound:.2g}."
    quantity = _predicted(runs[0])
    rows = len(of_runs[0][1].values)
    remark = (
        f"The mean |Shapley value| of {rows:,} {inquiry.part} rows, in units of the {quantity}."
        f" Features outside a coalition have the values of training rows. {how}"
    )
    x, first = of_runs[0]
    names = [feature.name for feature in features]
    figure = (
        "shapley",
        lambda: importance_figures.beeswarm(label, names, x, masks, first, runs[0]),
    )
    importances = Importances(label, names, values[:, :, None])
    return Explanation(importances, "mean |Shapley value|", remark, figures=[figure])


def _gradient(label: str, runs: Sequence[KeptRun], inquiry: Inquiry) -> Explanation:
    def attribute(run: KeptRun, x: np.ndarray, classes: np.ndarray) -> np.ndarray:
        return np.abs(gradients.input_gradients(run, x, classes))

    if isinstance(runs[0].raw, Image):
        return _maps(label, runs, inquiry, "|gradient|", attribute)

    def scaled(run: KeptRun, x: np.ndarray, classes: np.ndarray) -> np.ndarray:
        return attribute(run, x, classes) * np.nanstd(run.inputs(run.rows("train")), axis=0)

    each = "how fast a feature moves the {}, for its standard deviation in training rows"
    return _of_columns(label, runs, inquiry, ("mean |gradient| × sd", each), scaled)


def _integrated(label: str, runs: Sequence[KeptRun], inquiry: Inquiry) -> Explanation:
    def attribute(run: KeptRun, x: np.ndarray, classes: np.ndarray) -> np.ndarray:
        return gradients.integrated_gradients(run, x, baseline(run), classes)

    def baseline(run: KeptRun) -> np.ndarray:
        """Black of an image, the training rows' mean of numbers."""
        if isinstance(run.raw, Image):
            return np.zeros(run.raw.shape)
        return np.nanmean(run.inputs(run.rows("train")), axis=0)

    if isinstance(runs[0].raw, Image):
        return _maps(label, runs, inquiry, "integrated gradients", attribute)
    each = "what a feature adds to the {}, compared with the mean training row"
    return _of_columns(label, runs, inquiry, ("mean |integrated gradient|", each), attribute)


def _occlusion(label: str, runs: Sequence[KeptRun], inquiry: Inquiry) -> Explanation:
    if not isinstance(runs[0].raw, Image):
        raise UserError("--method=occlusion covers patches of images; use permutation or shapley")

    def attribute(run: KeptRun, x: np.ndarray, classes: np.ndarray) -> np.ndarray:
        train = run.inputs(inquiry.some(run, "train", 1000))
        cover = train.mean(axis=(0, 1, 2))
        return occlusion.occlusion(run, x, cover, classes)[..., None]

    return _maps(label, runs, inquiry, "fall where a patch is covered", attribute)


def _dependence(label: str, runs: Sequence[KeptRun], inquiry: Inquiry) -> Explanation:
    if inquiry.correlated is not None:
        raise UserError("dependence changes one feature at a time; leave correlated out")
    features = inquiry.features(runs[0])
    of_runs = []
    for run in runs:
        x = run.inputs(inquiry.some(run, inquiry.part))
        among = run.inputs(run.rows("train"))
        of_runs.append([dependence(run, feature, x, among) for feature in features])
    values = np.array([[each.spread for each in of_run] for of_run in of_runs])
    remark = (
        "The standard deviation of the mean prediction as a feature takes the values of training"
        f" rows, in units of the {_predicted(runs[0])}."
    )
    figure = ("dependence", lambda: importance_figures.curves(label, of_runs, runs[0]))
    importances = Importances(label, [feature.name for feature in features], values[:, :, None])
    return Explanation(importances, "sd of the dependence", remark, figures=[figure])


def _model(label: str, runs: Sequence[KeptRun], inquiry: Inquiry) -> Explanation:
    of_runs = [fitted_importance(run) for run in runs]
    values = np.array([[*values.values()] for values, _ in of_runs])
    first, quantity = of_runs[0]
    importances = Importances(label, [*first], values[:, :, None])
    remark = "The weights or gains of the fitted model itself; nothing is predicted."
    return Explanation(importances, quantity, remark)


METHODS: Mapping[str, Method] = {
    "permutation": _permutation,
    "shapley": _shapley,
    "gradient": _gradient,
    "integrated_gradients": _integrated,
    "occlusion": _occlusion,
    "dependence": _dependence,
    "model": _model,
}


def _of_columns(
    label: str,
    runs: Sequence[KeptRun],
    inquiry: Inquiry,
    described: tuple[str, str],
    attribute: attribution_maps.Attribute,
) -> Explanation:
    """The mean size of the attributions of each feature; of several columns their sum.

    Args:
        label: the row.
        runs: its runs.
        inquiry: what is asked.
        described: what the numbers are called, and what they are, with {} for what is explained.
        attribute: computes them.
    """
    quantity, each = described
    features = inquiry.features(runs[0])
    means = []
    for run in runs:
        gradients.check_differentiable(run)
        x = run.inputs(inquiry.some(run, inquiry.part))
        if np.isnan(x).any():
            # A gradient flows through a missing value's replacement, but not through NaN.
            x = run.spec.inputs.as_a(TableColumns).filled(x, np.asarray(run.lane.fill), np)
        of_rows = attribute(run, x, gradients.explained_classes(run, x))
        # Of series the steps are added too.
        of_rows = of_rows.reshape(len(x), -1, of_rows.shape[-1]).sum(axis=1)
        columns = [[*feature.columns[""]] for feature in features]
        means.append([np.abs(of_rows[:, places].sum(axis=1)).mean() for places in columns])
    names = [feature.name for feature in features]
    importances = Importances(label, names, np.array(means)[..., None])
    what = "log-odds of the predicted class" if runs[0].spec.targets.of_classes else "prediction"
    rows = len(inquiry.some(runs[0], inquiry.part))
    remark = f"The mean over {rows} {inquiry.part} rows of {each.format(what)}."
    return Explanation(importances, quantity, remark)


def _maps(
    label: str,
    runs: Sequence[KeptRun],
    inquiry: Inquiry,
    quantity: str,
    attribute: attribution_maps.Attribute,
) -> Explanation:
    """A figure of images and of what each pixel adds to the prediction, by the first run."""
    run = runs[0]
    rows = inquiry.some(run, inquiry.part, min(attribution_maps.MOST_IMAGES, inquiry.rows))
    figure = (
        "maps",
        lambda: attribution_maps.figure(label, run, rows, quantity, attribute),
    )
    remark = f"{quantity} of {plural(len(rows), f'{inquiry.part} image')}, by seed {run.seed}."
    return Explanation(None, quantity, remark, figures=[figure])


def _predicted(run: KeptRun) -> str:
    """What `KeptRun.predictions` are."""
    return "class's probability" if run.spec.targets.of_classes else "prediction"
