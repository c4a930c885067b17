"""Clusterings end to end: a sweep over their number with its figures, verified, on new rows."""

from pathlib import Path

import numpy as np
import pytest

from tests.support.command_lines import Result, run_all

DATA = "--dataset=csv:t.csv --target=y --task=clustering"
NUMBERS = f"{DATA} --arch=kmeans --grid=arch.n_clusters=2|3 --seeds=2 --metrics=ari"
TREE = f"{DATA} --arch=agglomerative --arch.n_clusters=3"
COMMANDS = {
    "sweep": f"sweep {NUMBERS} --name=k --keep_params --figures=figures",
    "verify": "verify --name=k",
    "evaluate": "evaluate --run={run} --split=csv:new.csv --out=evaluation",
    "embed": "embed --run={run} --split=test --out=points.png",
    "tree": f"train {TREE} --keep_params --name=tree",
    "of others": "evaluate --run=tree --split=test",
    "dendrogram": "embed --run=tree --method=dendrogram --out=tree.png",
    "no tree": "embed --run={run} --method=dendrogram --out=none.png",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three groups in space; new rows lack their classes."""
    folder = tmp_path_factory.mktemp("clusters")
    groups = np.arange(60) % 3
    x = 8.0 * np.eye(3)[groups] + np.random.default_rng(0).normal(size=(60, 3))
    rows = [",".join(f"{value:.3f}" for value in row) for row in x]
    lines = [f"{row},{'uvw'[group]}" for row, group in zip(rows, groups, strict=True)]
    (folder / "t.csv").write_text("\n".join(["a,b,c,y", *lines]) + "\n")
    (folder / "new.csv").write_text("\n".join(["a,b,c", *rows[:6]]) + "\n")
    return folder


@pytest.fixture(scope="module")
def results(folder: Path) -> dict[str, Result]:
    """What each command says."""
    results: dict[str, Result] = {}
    run = ""
    for name, command in COMMANDS.items():
        (results[name],) = run_all([command.format(run=run).split()], folder)
        if name == "sweep":
            (listed,) = run_all([["runs", "--where=arch.n_clusters=3", "--format=csv"]], folder)
            run = listed.out.split()[-1].rpartition(",")[2]
    return results


def test_a_sweep_over_their_number_has_a_table_an_elbow_and_silhouettes(
    folder: Path, results: dict[str, Result]
) -> None:
    result = results["sweep"]
    assert result.code == 0, result.err
    assert "4 runs, 1 program" in result.err
    assert "train silhouette" in result.out
    for name in ("elbow", "sensitivity-train-silhouette"):
        assert (folder / "figures" / f"{name}.png").exists()


def test_they_are_verified_alone_bit_for_bit(results: dict[str, Result]) -> None:
    assert results["verify"].code == 0, results["verify"].out + results["verify"].err


def test_new_rows_have_clusters_without_classes(folder: Path, results: dict[str, Result]) -> None:
    header, *rows = (folder / "evaluation" / "predictions.csv").read_text().splitlines()
    assert header == "row,cluster,squared distance"
    clusters = [row.split(",")[1] for row in rows]
    assert clusters[:3] == clusters[3:]
    assert len(set(clusters)) == 3
    assert "ari is undefined: the rows have no classes" in results["evaluate"].err
    assert "silhouette 0." in results["evaluate"].out


def test_only_training_rows_are_in_a_hierarchy(results: dict[str, Result]) -> None:
    assert "train      silhouette" in results["tree"].out
    assert "test       silhouette" not in results["tree"].out
    assert results["of others"].code == 2
    assert "arch=agglomerative cannot assign new rows to its clusters" in results["of others"].err


def test_rows_are_drawn_as_points_and_as_a_tree(folder: Path, results: dict[str, Result]) -> None:
    assert (folder / "points.png").stat().st_size > 10_000
    assert (folder / "tree.png").stat().st_size > 10_000
    assert results["no tree"].code == 2
    assert (
        "requires a run of arch=agglomerative; this is one of arch=kmeans" in results["no tree"].err
    )
