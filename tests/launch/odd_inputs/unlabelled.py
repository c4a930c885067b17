"""Odd questions without labels: clusterings, codes and reductions that cannot be."""

from pathlib import Path

from tests.launch.odd_inputs.case import Case


def _nothing(folder: Path) -> None:
    """The command needs no file."""


def _refused(name: str, command: str, *says: str) -> Case:
    return Case(name, _nothing, f"plan {command}", 2, says)


CLUSTERS = "--dataset=wine --task=clustering"
CODES = "--dataset=wine --task=reconstruction"

CASES: list[Case] = [
    _refused(
        "more clusters than rows",
        f"{CLUSTERS} --arch=kmeans --arch.n_clusters=150",
        "arch.n_clusters=150 is more than the 142 training rows; use fewer clusters",
    ),
    _refused(
        "more clusters than the rows of a fold",
        f"{CLUSTERS} --arch=gaussian_mixture --arch.n_clusters=100 '--split=kfold(2)' --fold=0",
        "arch.n_clusters=100 is more than the 89 training rows",
    ),
    _refused(
        "half a cluster",
        f"{CLUSTERS} --arch=kmeans --arch.n_clusters=2.5",
        "arch.n_clusters=2.5 is out of range; it must be a whole number >= 1",
    ),
    _refused(
        "more components than numbers as a start",
        f"{CLUSTERS} --arch=kmeans --arch.n_clusters=14 --arch.init=pca",
        "arch.init=pca has at most 13 components",
    ),
    _refused(
        "clusters against classes that are not there",
        "--dataset=diabetes --task=clustering --arch=kmeans --metrics=ari",
        "metrics=ari compares clusters with classes, and diabetes has none; leave it out",
    ),
    _refused(
        "clusters against classes, of a classification",
        "--dataset=wine --metrics=ari",
        "metrics=ari is for clustering; the task is classification",
    ),
    Case(
        "clusters of a text",
        lambda folder: (folder / "t.txt").write_text("to be or not to be, " * 40),
        "plan --dataset=text:t.txt --context=8 --task=clustering --arch=kmeans",
        2,
        ("task=clustering applies to tables, images and series with a label",),
    ),
    _refused(
        "clusters by a network",
        f"{CLUSTERS} --arch=mlp",
        "task=clustering is not for networks such as arch=mlp; use agglomerative, dbscan",
    ),
    _refused(
        "k-means as a classifier",
        "--dataset=wine --arch=kmeans",
        "arch=kmeans is for clustering; the task is classification",
    ),
    _refused(
        "an ensemble of clusterings",
        f"{CLUSTERS} --arch=kmeans '--ensemble=seeds(2)'",
        "combines the scores of one target per example",
    ),
    Case(
        "kept scores of clusters",
        _nothing,
        f"train {CLUSTERS} --arch=kmeans --keep_predictions",
        2,
        ("task=clustering predicts none; leave it out",),
    ),
    _refused(
        "a code wider than an example",
        f"{CODES} --arch=pca --arch.code=14",
        "arch.code=14 is more than the 13 numbers of an example",
    ),
    _refused(
        "parts that are not negative of numbers that are",
        f"{CODES} --arch=nmf --arch.code=3",
        "scaling=standard makes some negative; use --scaling=minmax",
    ),
    _refused(
        "a reduction to more numbers",
        "--dataset=wine '--reduce=pca(14)'",
        "reduce=pca(14): an example of wine has only 13 numbers",
    ),
    _refused(
        "a reduction by a share of the variance",
        "--dataset=wine '--reduce=pca(0.9)'",
        "reduce.components=0.9",
    ),
    _refused(
        "a reduction of what is reconstructed",
        f"{CODES} --arch=pca --arch.code=2 '--reduce=pca(3)'",
        "reduce=pca(3) would replace them; leave it out",
    ),
    _refused(
        "a reduction of some columns",
        "--dataset=wine '--reduce=pca(3)' --column_share=0.5",
        "column_share cannot be combined with reduce=pca(3)",
    ),
    _refused(
        "an unknown reduction",
        "--dataset=wine '--reduce=pcs(3)'",
        "unknown reduction 'pcs",
    ),
    Case(
        "a file without a target",
        lambda folder: (folder / "t.csv").write_text(
            "a,b\n" + "".join(f"{row},{row * 7 % 11}\n" for row in range(40))
        ),
        "plan --dataset=csv:t.csv --task=clustering --arch=kmeans",
        says=("no --target is named, so all 2 columns are inputs",),
    ),
    Case(
        "more clusters than different rows",
        lambda folder: (folder / "t.csv").write_text(
            "a,b\n" + "".join(f"{row % 2},{row % 2 * 3}\n" for row in range(40))
        ),
        "train --dataset=csv:t.csv --task=clustering --arch=kmeans --arch.n_clusters=5",
        says=("only 2 of 5 clusters have rows, since rows are the same", "inertia 0.0000"),
    ),
]
