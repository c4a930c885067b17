"""One rule for splits: each seed draws its own, unless the data set has test rows of its own."""

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_wine

from tests.support.command_lines import Result, run_all
from tests.support.records import stored_records

ONCE = ["--arch=linear", "--epochs=1"]
CSV = ["--dataset=csv:wine.csv", "--target=kind", *ONCE]
MOONS = ["--dataset=moons", "--dataset.size=60", "--dataset.test=20", "--batch_size=8", *ONCE]
# By name: the flags, and the split seed that the run must have.
CASES = {
    "csv": ([*CSV, "--seed=3"], "3"),
    "csv by its seed": ([*CSV, "--seed=3", "--split_seed=seed"], "3"),
    "csv by another": ([*CSV, "--seed=3", "--split_seed=7"], "7"),
    "bundled": (["--dataset=wine", *ONCE, "--seed=3"], "3"),
    "test rows of its own": ([*MOONS, "--seed=3"], "0"),
    "validation rows by its seed": ([*MOONS, "--seed=3", "--split_seed=seed"], "3"),
}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Result]]:
    folder = tmp_path_factory.mktemp("splits")
    wine = load_wine()
    columns = np.column_stack([wine.data, wine.target]).tolist()
    lines = [",".join([*(f"x{i}" for i in range(13)), "kind"])]
    lines += [",".join(map(str, [*values, f"class {kind:.0f}"])) for *values, kind in columns]
    (folder / "wine.csv").write_text("\n".join(lines))
    cases = {name: ["train", *flags] for name, (flags, _) in CASES.items()}
    cases |= {
        "word": ["train", *CSV, "--split_seed=seeds"],
        "sweep": ["sweep", *CSV, "--seeds=2", "--name=two"],
        "table": ["table", "--name=two", "--no_train", "--format=json"],
        "fixed": ["sweep", *CSV, "--seeds=2", "--split_seed=7"],
        "own": ["sweep", *MOONS, "--seeds=2"],
    }
    return folder, dict(zip(cases, run_all(list(cases.values()), folder), strict=True))


@pytest.mark.parametrize("case", CASES)
def test_the_split_follows_the_seed_unless_something_says_otherwise(
    results: tuple[Path, dict[str, Result]], case: str
) -> None:
    result = results[1][case]
    assert result.code == 0, result.err
    assert f"  split_seed={CASES[case][1]}\n" in result.out


def test_the_same_rows_as_csv_and_as_a_bundled_table_are_split_alike(
    results: tuple[Path, dict[str, Result]],
) -> None:
    """The same rows, summed in the same order by programs of their own: float32 rounding."""
    folder, _ = results
    test = [
        (record["metrics"]["test/accuracy"], record["metrics"]["test/nll"])
        for record in stored_records(folder).values()
        if record["config"]["seed"] == "3"
        and record["config"]["split_seed"] == "3"
        and record["config"]["dataset"] in ("wine", "csv:wine.csv")
    ]
    assert len(test) == 2
    assert test[0] == pytest.approx(test[1], rel=1e-5)


def test_a_word_that_is_none_is_refused(results: tuple[Path, dict[str, Result]]) -> None:
    result = results[1]["word"]
    assert result.code == 2
    assert "split_seed=seeds: expected a whole number, or seed" in result.err


@pytest.mark.parametrize(
    ("case", "sentence"),
    [
        ("sweep", "Tested on 18 rows; each seed draws its own split."),
        ("fixed", "Tested on 18 rows; all seeds share one split (split seed 7)."),
        ("own", "Tested on the data set's own 20 test rows."),
    ],
)
def test_the_caption_begins_with_the_rows_that_test(
    results: tuple[Path, dict[str, Result]], case: str, sentence: str
) -> None:
    out = " ".join(results[1][case].out.split())
    assert results[1][case].code == 0, results[1][case].err
    assert out.split(". ", 1)[1].startswith(sentence)


def test_tables_of_csv_files_are_about_new_rows_as_those_of_bundled_sets_are(
    results: tuple[Path, dict[str, Result]],
) -> None:
    assert json.loads(results[1]["table"].out)["claims"] == ["new", "new"]
