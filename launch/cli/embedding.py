"""What launch.embed draws: the rows of a run in the plane, and what they are coloured by."""

from typing import Any

import numpy as np
from absl import flags

from launch.cli.evaluated_examples import Examples
from launch.cli.saved_run import SavedRun
from research import messages
from research.analysis.embedding_figure import Colouring, dendrogram_figure, embedding_figure
from research.baselines.factorizations import Reconstruction
from research.data.features.named_arrays import take
from research.data.reductions import principal_components
from research.errors import UserError
from research.training.apply.host_scores import host_inputs, host_scores, kept_predictor
from research.training.apply.layer_outputs import layer_outputs

METHOD = flags.DEFINE_enum(
    "method",
    "pca",
    ["pca", "tsne", "none", "dendrogram"],
    "how rows become points: pca (the first two principal components), tsne, or none (the two"
    " numbers of a layer as they are); dendrogram draws the tree of arch=agglomerative",
)
LAYER = flags.DEFINE_string(
    "layer",
    None,
    "draw the outputs of this layer of the network (HiddenDense_0), or code: the code of arch=pca"
    " or nmf; none: draw the scaled inputs",
)
MOST_ROWS = 5000
PERPLEXITY = 30.0


def figure(saved: SavedRun, examples: Examples, split: str) -> Any:
    """The figure that the flags ask for.

    Args:
        saved: the run.
        examples: its rows.
        split: what these are, for the title.
    """
    run = saved.run
    title = f"{run.config.arch.name} on {saved.spec.name}, {split}"
    if METHOD.value == "dendrogram":
        tree = getattr(_estimator(saved), "tree", None)
        if tree is None:
            raise UserError(
                f"--method=dendrogram requires a run of arch=agglomerative; this is one of"
                f" arch={run.config.arch.name}"
            )
        if split != "train":
            raise UserError("--method=dendrogram draws only training rows; use --split=train")
        return dendrogram_figure(title, tree, int(run.config.arch["n_clusters"]))
    chosen = _sample(len(examples.rows), run.config.seed)
    rows = examples.rows[chosen]
    x = _vectors(saved, examples.x, rows)
    what = LAYER.value or "inputs"
    points, axes = _plane(x, run.config.seed)
    return embedding_figure(f"{title}: {what}", points, axes, _colourings(saved, examples, chosen))


def _sample(count: int, seed: int) -> np.ndarray:
    """The places of the rows that are drawn, ascending: no more than a figure holds."""
    if count <= MOST_ROWS:
        return np.arange(count)
    messages.say(f"note: {MOST_ROWS:,} of the {count:,} rows are drawn")
    return np.sort(np.random.default_rng(seed).choice(count, MOST_ROWS, replace=False))


def _estimator(saved: SavedRun) -> Any:
    """The fitted estimator of a run; None of a network."""
    if not saved.run.program.fitted:
        return None
    return kept_predictor(saved.variables)


def _vectors(saved: SavedRun, x: Any, rows: np.ndarray) -> np.ndarray:
    """What is drawn of the rows, float64 [N, D]."""
    program = saved.run.program
    layer = LAYER.value
    estimator = _estimator(saved)
    if layer and estimator is None:
        outputs = layer_outputs(program, saved.lane, saved.variables, take(x, rows), layer)
        return np.asarray(outputs, np.float64)
    if isinstance(program.spec.inputs.placeholder(), dict):
        raise UserError(
            f"{saved.spec.name} has several inputs; use --layer=NAME to draw the outputs of a layer"
        )
    if not program.spec.inputs.numeric:
        raise UserError(
            f"the inputs of {saved.spec.name} are {program.spec.inputs.counted} and cannot be drawn"
            " as points; use --layer=NAME to draw the outputs of a layer"
        )
    with program.precision_context():
        inputs = host_inputs(program, saved.lane, program.spec.inputs.view(x), rows)
    if not layer:
        return np.asarray(inputs, np.float64).reshape(len(rows), -1)
    if layer == "code" and isinstance(estimator, Reconstruction):
        return estimator.code(inputs)
    raise UserError(f"--layer={layer}: arch={saved.run.config.arch.name} has no such layer")


def _plane(x: np.ndarray, seed: int) -> tuple[np.ndarray, tuple[str, str]]:
    """Vectors [N, D] as points [N, 2], and what the two axes are."""
    method = METHOD.value
    if method == "none":
        if x.shape[1] != 2:
            raise UserError(
                f"--method=none requires two numbers per row, not {x.shape[1]}; use pca or tsne"
            )
        return x, ("first number", "second number")
    if min(x.shape) < 2:
        raise UserError(
            f"--method={method} requires at least two rows of two numbers, not {x.shape[0]} of"
            f" {x.shape[1]}"
        )
    if method == "pca":
        model = principal_components(x, 2)
        shares = [
            f"{100 * share:.1f} % of the variance" for share in model.explained_variance_ratio_
        ]
        return model.transform(x), (f"component 1 ({shares[0]})", f"component 2 ({shares[1]})")
    from sklearn.manifold import TSNE

    # scikit-learn requires fewer neighbours than rows.
    perplexity = min(PERPLEXITY, (len(x) - 1) / 3)
    points = TSNE(2, perplexity=perplexity, init="pca", random_state=seed).fit_transform(x)
    return points, ("t-SNE 1", "t-SNE 2")


def _colourings(saved: SavedRun, examples: Examples, chosen: np.ndarray) -> list[Colouring]:
    """What the points are coloured by: clusters, where they are made, and classes or values."""
    program = saved.run.program
    colourings = []
    if program.config.task == "clustering":
        rows = examples.rows[chosen]
        with program.precision_context():
            inputs = host_inputs(program, saved.lane, program.spec.inputs.view(examples.x), rows)
            scores = host_scores(program, _estimator(saved), inputs, len(rows))
        clusters = scores[:, 0].astype(int)
        names = tuple(str(cluster) for cluster in range(int(clusters.max(initial=-1)) + 1))
        colourings.append(Colouring("clusters", clusters, names))
    targets = saved.spec.targets
    if isinstance(examples.y, np.ndarray) and examples.y.ndim == 1:
        values = examples.y[chosen]
        names = targets.label_names
        colourings.append(Colouring("classes" if names else "targets", values, names))
    return colourings
