"""The Python API: the same runs, tables and errors as the programs give, without a flag."""

import contextlib
import doctest
import importlib
import io
import json
import pkgutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

import research as rs
import research.api
from research.api.settings import axes_of, settings_of
from research.data.features.table_columns import TableColumns
from research.training.apply.final_metrics import run_lane
from tests.support.command_lines import run_all

SMALL = {"dataset": "iris", "arch": "mlp", "arch_hidden": (4,), "epochs": 2, "batch_size": 30}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    root = tmp_path_factory.mktemp("api")
    return {"records": str(root / "records"), "cache_dir": str(root / "cache")}


@pytest.fixture(scope="module")
def run(folders: dict[str, str]) -> rs.RunResult:
    return rs.train(**SMALL, **folders)


def test_keywords_are_the_flags_names() -> None:
    given = {
        "arch_hidden": (64, 32),
        "learning_rate": 0.1,
        "remat": True,
        "optimizer.momentum": 0.9,
        "target": "y",
    }
    assert settings_of(given) == {
        "arch.hidden": "64,32",
        "learning_rate": "0.1",
        "remat": "true",
        "optimizer.momentum": "0.9",
        "dataset.target": "y",
    }
    assert axes_of("grid", {"arch_hidden": [(4,), (8, 8)]}) == ["arch.hidden=4|8,8"]
    rates = {"learning_rate": "log(1e-4,1)"}
    assert axes_of("sample", rates) == ["learning_rate=log(1e-4,1)"]


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"learning_rat": 1}, "there is no setting 'learning_rat'; did you mean learning_rate?"),
        ({"arch_hidden": 1, "arch.hidden": 2}, "arch.hidden is given twice"),
        ({"seed": [1, 2]}, r"a run takes one value; rs.sweep\(settings, seeds=2\)"),
        ({"arch": ("mlp", "cnn")}, r"grid=\{\"arch\": \['mlp', 'cnn'\]\}\) trains one per value"),
    ],
)
def test_a_wrong_keyword_is_named(keywords: dict[str, object], message: str) -> None:
    with pytest.raises(rs.UserError, match=message.replace("?", r"\?")):
        settings_of(keywords)


def test_a_run_is_that_of_the_program(
    run: rs.RunResult, folders: dict[str, str], tmp_path: Path
) -> None:
    flags = ["--dataset=iris", "--arch=mlp", "--arch.hidden=4", "--epochs=2", "--batch_size=30"]
    (plan,) = run_all([["plan", *flags, f"--records={folders['records']}"]], tmp_path)
    assert "1 run in 1 program; 1 done, 0 to train" in plan.out
    record = json.loads(
        (Path(folders["records"]) / "runs" / run.id[:2] / f"{run.id}.json").read_text()
    )
    assert run.metrics == record["record"]["metrics"]
    assert run.curves["train/loss"] == record["record"]["curves"]["train/loss"]
    assert run.curves.rows == 2
    assert rs.load(run.id[:8], **folders).metrics == run.metrics


def test_predictions_of_raw_rows_have_the_recorded_accuracy(run: rs.RunResult) -> None:
    """Probabilities add up to 1, and an accuracy is the recorded one, within float32 rounding."""
    arrays = run.workspace.planner.arrays(run._run)
    lane = run_lane(run._run.program, run._run.config, arrays)
    probabilities = run.predict(arrays.x[lane.test])
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
    accuracy = np.mean(probabilities.argmax(axis=1) == arrays.y[lane.test])
    assert accuracy == pytest.approx(run.metrics["test/accuracy"], abs=1e-7)
    with pytest.raises(rs.UserError, match=r"x is \[2, 3\]; expected \[N, 4\]"):
        run.predict(np.zeros((2, 3)))


def test_a_sweep_prints_shows_and_draws_its_table(folders: dict[str, str], tmp_path: Path) -> None:
    sweep = rs.sweep(SMALL, grid={"learning_rate": [0.01, 0.1]}, seeds=2, name="rates", **folders)
    assert len(sweep) == 4
    assert [run.config["seed"] for run in sweep[1:3]] == ["1", "0"]
    table = sweep.table()
    assert str(table).count("| ") > 10
    assert "<table>" in table._repr_html_()
    assert r"\begin{tabular}" in table.to_latex()
    assert table.write(tmp_path / "rates.csv").read_text() == table.to_csv()
    drawn = io.BytesIO()
    figure = table.figure()
    assert isinstance(figure, Figure)
    figure.savefig(drawn, format="png")
    assert drawn.getvalue().startswith(b"\x89PNG")
    (shown,) = run_all(
        [["table", "--name=rates", f"--records={folders['records']}", "--no_train"]], tmp_path
    )
    assert shown.out.splitlines()[:6] == table.to_markdown().splitlines()[:6]
    with pytest.raises(rs.UserError, match="there is no figure 'x'"):
        table.figure("x")


def test_an_experiment_has_a_table(folders: dict[str, str]) -> None:
    plain = rs.experiment("regularization", seeds=1, train=False, **folders)
    assert plain.table().cells.baseline == "none"
    assert str(plain) == str(plain.table())
    with pytest.raises(rs.UserError, match="declares no factors, so it has no effects"):
        plain.effects()


def test_a_tuning_has_its_trials_the_best_and_its_run(folders: dict[str, str]) -> None:
    sample = {"learning_rate": [0.001, 0.3], "optimizer": ["sgd(momentum=0.9)", "adam"]}
    tuning = rs.tune(SMALL, sample=sample, sampler="grid", trials=4, **folders)
    assert tuning.trials.rows == 4
    assert tuning.value == max(tuning.trials[tuning.metric])
    best = tuning.trials[tuning.metric].index(tuning.value)
    assert tuning.best == {path: tuning.trials[path][best] for path in sample}
    assert tuning.run.id == tuning.trials["run"][best]
    assert tuning.run.metrics[tuning.metric] == tuning.value
    again = rs.tune(SMALL, sample=sample, sampler="grid", trials=4, **folders)
    assert again.trials["run"] == tuning.trials["run"]
    assert "the table reports the choice on 2 fresh seeds" in " ".join(
        str(tuning.report(2)).split()
    )


def test_a_tuning_in_nested_folds_chooses_in_each(folders: dict[str, str]) -> None:
    """A rate of 1e-9 leaves the network at chance, so every fold chooses the other."""
    nested = {"dataset": "iris", "epochs": 3, "batch_size": 16, "split": "nested(2,2)"}
    sample = {"learning_rate": [1e-9, 0.1]}
    tuning = rs.tune_nested(nested, sample=sample, sampler="grid", trials=2, seeds=1, **folders)
    assert tuning.choices["fold"] == [0, 1]
    assert tuning.choices["learning_rate"] == ["0.1", "0.1"]
    assert "flat accuracy" in str(tuning.table())
    with pytest.raises(rs.UserError, match="chooses settings inside each fold"):
        rs.tune(nested, sample=sample, **folders)
    with pytest.raises(rs.UserError, match="tune_nested requires split='nested"):
        rs.tune_nested({**nested, "split": "8:1:1"}, sample=sample, **folders)


def test_a_tuning_that_cannot_be_is_refused(folders: dict[str, str]) -> None:
    with pytest.raises(rs.UserError, match=r"grid='learning_rate=0.1': expected a dict of values"):
        rs.sweep({"dataset": "iris"}, grid="learning_rate=0.1")
    with pytest.raises(rs.UserError, match=r"sample='epochs=1\|2': expected a dict of values"):
        rs.tune(SMALL, sample="epochs=1|2", **folders)
    with pytest.raises(rs.UserError, match="sampler=grit; did you mean grid"):
        rs.tune(SMALL, sample={"epochs": [1, 2]}, sampler="grit", **folders)
    with pytest.raises(rs.UserError, match="epochs is given, and an axis sets it too"):
        rs.tune(SMALL, sample={"epochs": [1, 2]}, **folders)


def test_arrays_are_a_data_set_known_by_their_content(folders: dict[str, str]) -> None:
    x = np.random.default_rng(0).normal(size=(60, 3))
    y = x @ [1.0, 2.0, 3.0]
    settings = {
        "arch": "linear",
        "epochs": 5,
        "learning_rate": 0.05,
        "batch_size": 10,
        "target_scaling": "standard",
    }
    run = rs.train(data=(x, y), **settings, **folders)
    assert rs.train(data=(x.copy(), y.copy()), **settings, **folders).id == run.id
    assert rs.train(data=(x + 1, y), **settings, **folders).id != run.id
    assert run.predict(x).shape == (60,)
    assert np.corrcoef(run.predict(x), y)[0, 1] > 0.9
    with pytest.raises(
        rs.UserError, match=r"expected a pair of arrays \(x, y\) or a pandas.DataFrame"
    ):
        rs.train(data=3, **folders)
    with pytest.raises(rs.UserError, match="data= and dataset= both say"):
        rs.train(data=(x, y), dataset="iris", **folders)


def test_texts_and_whole_numbers_are_classes(folders: dict[str, str]) -> None:
    x = np.arange(120, dtype=float)[:, None]
    run = rs.train(
        data=(x, np.where(x[:, 0] < 60, "low", "high")), arch="linear", epochs=1, **folders
    )
    assert run._run.program.spec.targets.classes == ("high", "low")
    run = rs.train(data=(x, (x[:, 0] >= 60).astype(int)), arch="linear", epochs=1, **folders)
    assert run._run.program.spec.targets.classes == ("0", "1")


class Frame:
    """What is used of a pandas.DataFrame, which the library does without."""

    def to_csv(self, index: bool) -> str:
        assert not index
        rows = [
            f"{place / 10},{'red' if place % 3 else 'blue'},{'ab'[place % 2]}"
            for place in range(60)
        ]
        return "size,colour,y\n" + "\n".join(rows) + "\n"


def test_a_frame_is_read_as_a_csv_file_is(folders: dict[str, str]) -> None:
    run = rs.train(data=Frame(), target="y", arch="linear", epochs=1, batch_size=16, **folders)
    assert run._run.program.spec.inputs.as_a(TableColumns).names == (
        "size",
        "colour=blue",
        "colour=red",
    )
    assert run._run.program.spec.targets.classes == ("a", "b")


def test_a_packaged_run_stands_alone(folders: dict[str, str], tmp_path: Path) -> None:
    data = tmp_path / "table.csv"
    rows = [
        f"{place / 10},{('red', 'blue', 'green')[place % 3]},{place / 5}" for place in range(60)
    ]
    data.write_text("size,colour,y\n" + "\n".join(rows) + "\n")
    settings = {
        "dataset": f"csv:{data}",
        "target": "y",
        "task": "regression",
        "target_scaling": "standard",
    }
    run = rs.train(**settings, arch="linear", epochs=3, batch_size=16, **folders)
    columns = {"colour": ["blue", "red"], "size": [1.5, 2.5]}
    expected = run.predict(columns)
    (tmp_path / "new.csv").write_text("size,colour\n1.5,blue\n2.5,red\n")
    np.testing.assert_array_equal(run.predict(tmp_path / "new.csv"), expected)
    (wrote,) = run_all(
        [["package", f"--run={run.id}", "--out=model", f"--records={folders['records']}"]], tmp_path
    )
    assert wrote.code == 0, wrote.err
    assert "model.zip" in wrote.out
    data.unlink()
    with zipfile.ZipFile(tmp_path / "model.zip") as packed:
        packed.extractall(tmp_path / "elsewhere")
    loaded = rs.load(str(tmp_path / "elsewhere"), cache_dir=folders["cache_dir"])
    assert loaded.metrics == run.metrics
    np.testing.assert_array_equal(loaded.predict(columns), expected)
    text = (tmp_path / "elsewhere" / "README.md").read_text()
    assert "Columns: size, colour=blue, colour=green, colour=red." in text
    assert f"run {run.id}" in text
    for wrong, message in (
        ({"colour": ["purple"], "size": [1.0]}, "^x, row 1.*'purple' was not there in training"),
        ({"colour": ["red"]}, "^x has no column 'size'"),
        ({"colour": ["red", "red"], "size": [1.0]}, "equal length.*colour has 2, size has 1"),
        ({"colour": "red", "size": 1.0}, "expected columns of equal length"),
    ):
        with pytest.raises(rs.UserError, match=message):
            loaded.predict(wrong)
    with pytest.raises(rs.UserError, match="the table has categories; give a pandas"):
        loaded.predict(np.zeros((2, 4)))


def test_errors_are_the_programs_one_liners(folders: dict[str, str]) -> None:
    with pytest.raises(rs.UserError, match=r"dropout.rate=1.5 is out of range"):
        rs.train(**SMALL, regularization="dropout=1.5", **folders)
    with pytest.raises(
        rs.UserError, match="there is no list 'regularisers'; did you mean regularizers"
    ):
        rs.list("regularisers")
    assert "regularization" in rs.list("experiments")
    with pytest.raises(
        AttributeError, match="module 'research' has no attribute 'fit'; it offers Columns"
    ):
        rs.fit  # noqa: B018


def test_what_the_package_offers_is_what_the_api_has() -> None:
    assert sorted(rs.__all__) == sorted(research.api.__all__)
    for name in rs.__all__:
        assert getattr(rs, name) is getattr(research.api, name)
        assert getattr(rs, name).__doc__


@pytest.mark.parametrize(
    "module", [module.name for module in pkgutil.iter_modules(research.api.__path__)]
)
def test_the_examples_of_the_docstrings_hold(module: str) -> None:
    assert doctest.testmod(importlib.import_module(f"research.api.{module}")).failed == 0


def test_a_call_in_another_folder_has_data_and_records_of_its_own(tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        with contextlib.chdir(tmp_path / name):
            rs.train(dataset="iris", arch="linear", epochs=1)
            assert Path("records").exists()


def test_explain_is_launch_explain(run: rs.RunResult, folders: dict[str, str]) -> None:
    importance = rs.explain(run, repeats=3, split="train")
    assert importance.values.shape == (1, 4, 3)
    assert list(importance.means) == importance.features
    assert "| petal" in str(importance)
    assert isinstance(importance.figure(), Figure)
    (result,) = run_all(
        [["explain", f"--run={run.id}", "--repeats=3", "--split=train",
          f"--records={folders['records']}", f"--cache_dir={folders['cache_dir']}"]],
        Path(folders["records"]).parent,
    )  # fmt: skip
    assert result.out.strip() == str(importance).strip()
    with pytest.raises(rs.UserError, match="method=shap; did you mean shapley"):
        rs.explain(run, "shap")
    with pytest.raises(rs.UserError, match="explain requires a run"):
        rs.explain([])
