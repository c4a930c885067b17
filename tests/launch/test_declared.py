"""A broken file in experiments/: named in one line, the other experiments are as usable as
before."""

from pathlib import Path

import pytest

import research.catalogue  # noqa: F401  (fills the registries that experiments read)
from research.config import resolve
from research.registry import load_package
from research.sweeps.experiment import EXPERIMENTS
from tests.support.command_lines import ROOT, Result, run_all

FILES = {
    "fails.py": "import research.sweeps\n\n\ndef arms():\n    return {}['none']\n\n\narms()\n",
    "half.py": "EXPERIMENTS.add(\n",
    "again.py": (ROOT / "experiments" / "regularization.py").read_text(),
}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> list[Result]:
    folder = tmp_path_factory.mktemp("declared")
    (folder / "experiments").mkdir()
    for path in (ROOT / "experiments").glob("*.py"):
        (folder / "experiments" / path.name).write_text(path.read_text())
    for name, text in FILES.items():
        (folder / "experiments" / name).write_text(text)
    cases = [
        ["list", "experiments"],
        ["list", "losses"],
        ["plan", "--experiment=fails"],
        ["table", "--experiment=half", "--no_train"],
        ["table", "--experiment=failing", "--no_train"],
    ]
    return run_all(cases, folder)


def test_the_others_are_listed_and_each_broken_file_is_one_line(results: list[Result]) -> None:
    assert results[0].code == 0
    # The files come in the order of their names: again.py is there before regularization.py.
    assert {line.split(":")[0] for line in results[0].out.splitlines() if line[0] != " "} == {
        "ensembles",
        "forecasting",
        "ingredients",
        "optimizers",
        "over_datasets",
        "protocols",
        "protocols_nested",
        "quadratic",
        "regularization",
    }
    says = results[0].err.splitlines()
    assert len(says) == 3
    assert says[0] == "warning: experiments/fails.py cannot be used: line 5: KeyError: 'none'"
    assert (
        says[1]
        == "warning: experiments/half.py cannot be used: line 1: SyntaxError: '(' was never closed"
    )
    where = says[2].removeprefix("warning: experiments/regularization.py cannot be used: line ")
    assert where.partition(": ")[2].startswith(
        "ValueError: the experiment 'regularization' is registered twice"
    )


def test_other_lists_do_not_speak_of_them(results: list[Result]) -> None:
    assert (results[1].code, results[1].err) == (0, "")


def test_asking_for_a_broken_one_says_what_broke_it_and_where(results: list[Result]) -> None:
    assert results[2].code == 2
    assert (
        results[2].err == "error: experiments/fails.py cannot be used: line 5: KeyError: 'none'\n"
    )
    assert results[3].code == 2
    assert (
        results[3].err
        == "error: experiments/half.py cannot be used: line 1: SyntaxError: '(' was never closed\n"
    )


def test_an_unknown_name_comes_with_the_broken_files(results: list[Result]) -> None:
    assert results[4].code == 2
    assert "experiments/fails.py cannot be used" in results[4].err
    assert results[4].err.splitlines()[-1].startswith("error: unknown experiment 'failing'")


def test_a_folder_elsewhere_adds_its_experiments_to_those_of_the_package(tmp_path: Path) -> None:
    (tmp_path / "experiments").mkdir()
    text = (ROOT / "experiments" / "regularization.py").read_text()
    (tmp_path / "experiments" / "mine.py").write_text(
        text.replace('name="regularization"', 'name="mine"')
    )
    (result,) = run_all([["list", "experiments"]], tmp_path)
    names = [line.split(":")[0] for line in result.out.splitlines() if line[0] != " "]
    assert (result.code, result.err) == (0, "")
    assert names == [
        "ensembles", "forecasting", "gorishniy", "honesty", "ingredients", "mine", "optimizers",
        "over_datasets", "protocols", "protocols_nested", "quadratic", "regularization",
    ]  # fmt: skip


def test_published_rows_are_arms_whose_settings_resolve() -> None:
    load_package("experiments")
    published = [experiment for experiment in EXPERIMENTS if experiment.published]
    assert {"gorishniy", "quadratic"} <= {experiment.name for experiment in published}
    for experiment in published:
        assert {label for label, _ in experiment.published} <= set(experiment.arms)
        for arm in experiment.arms.values():
            resolve({**experiment.base, **arm})


def test_several_data_sets_are_one_table(tmp_path: Path) -> None:
    (tmp_path / "experiments").mkdir()
    text = (ROOT / "experiments" / "over_datasets.py").read_text()
    small = text.replace('name="over_datasets"', 'name="small"').replace(
        '"epochs": 20', '"epochs": 1'
    )
    small = small.replace('("iris", "wine", "breast_cancer", "digits")', '("iris", "wine")')
    for arm in ("L2", "dropout", "mixup"):
        small = "\n".join(line for line in small.splitlines() if f'"{arm}":' not in line)
    (tmp_path / "experiments" / "small.py").write_text(small)
    asked = ["table", "--experiment=small", "--seeds=2"]
    table, rows, until = run_all(
        [
            [*asked, "--figures=figures"],
            [*asked, "--no_train", "--rows=arms"],
            ["table", "--experiment=small", "--until=decided", "--budget=80runs"],
        ],
        tmp_path,
    )
    assert table.code == 0, table.err
    assert "2 arms on 2 data sets" in table.out
    assert "average rank" in table.out
    assert "label smoothing, wine" in rows.out
    assert len(list((tmp_path / "figures").glob("ranks-*.pdf"))) == 2
    assert (until.code, until.err) == (
        2, "error: --until=decided adds seeds on one data set; leave datasets out\n",
    )  # fmt: skip
