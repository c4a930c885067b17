"""launch.evaluate and --init_from end to end: the record's metrics again, own files, fine-tuning,
and bad input."""

import csv
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.support.command_lines import Result, run_all
from tests.support.records import stored_records

WINE = ["--dataset=wine", "--arch.hidden=8", "--epochs=3"]
SWEEP = [
    "sweep",
    "--dataset=digits",
    "--arch.hidden=8",
    "--epochs=3",
    "--train_size=128",
    "--seeds=3",
    "--keep_params",
    "--regularization=early_stopping=1,batch_norm",
]
PRICES = [
    "--dataset=csv:prices.csv",
    "--target=price",
    "--arch=linear",
    "--epochs=30",
    "--batch_size=full",
    "--impute=mean",
]
SUMS = [
    "--dataset=adding",
    "--dataset.size=60",
    "--dataset.test=9",
    "--dataset.length=4",
    "--batch_size=8",
    "--epochs=1",
    "--arch=gru",
    "--arch.hidden=2",
]
CODE = [
    *PRICES[:2], "--impute=mean", "--batch_size=full", "--epochs=1",
    "--task=reconstruction", "--arch=autoencoder", "--arch.hidden=", "--arch.code=1",
]  # fmt: skip
PETS = [
    "--dataset=folder:pets",
    "--arch=cnn",
    "--arch.channels=2,2",
    "--epochs=2",
    "--batch_size=8",
]


def ok(result: Result) -> Result:
    assert result.code == 0, result.err
    return result


def run_id(result: Result) -> str:
    return ok(result).out.split()[1].rstrip(":")


def record(folder: Path, run: str) -> dict[str, Any]:
    return stored_records(folder)[run]


def printed(result: Result, split: str) -> dict[str, float]:
    """The metrics of an evaluation, by their records' names."""
    (line,) = [line for line in ok(result).out.splitlines() if line.startswith(f"{split}  ")]
    words = line.split()[1:]
    return {
        f"{split}/{name}": float(value) for name, value in zip(words[::2], words[1::2], strict=True)
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("evaluate")
    generator = np.random.default_rng(0)
    rows = [
        f"{x:.3f},{'red' if x > 0 else 'blue'},{3 * x + 1:.3f}" for x in generator.normal(size=60)
    ]
    (path / "prices.csv").write_text("\n".join(["size,colour,price", *rows]))
    (path / "new.csv").write_text("colour,id,size\nred,a,1.5\nblue,b,\n")
    (path / "pink.csv").write_text("colour,size\npink,1\n")
    for place in range(40):
        shade = 40 + 160 * (place % 2)
        file = path / "pets" / ("dark", "light")[place % 2] / f"{place}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        pixels = generator.integers(shade - 30, shade + 30, (8, 8, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(file)
        file = path / "more" / ("dark", "light", "grey")[place % 3] / f"{place}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(file)
    (path / "own").mkdir()
    (path / "own" / "one.png").write_bytes(file.read_bytes())
    return path


@pytest.fixture(scope="module")
def ids(folder: Path) -> dict[str, str]:
    """The runs that the tests evaluate, by a name."""
    commands = {
        "wine": ["train", *WINE, "--keep_params"],
        "prices": ["train", *PRICES, "--keep_params"],
        "pets": ["train", *PETS, "--keep_params"],
        "bare": ["train", *WINE, "--seed=7"],
        "sums": ["train", *SUMS, "--keep_params"],
        "code": ["train", *CODE, "--keep_params"],
    }
    return dict(zip(commands, map(run_id, run_all(list(commands.values()), folder)), strict=True))


def test_every_split_has_the_records_metrics_to_the_last_digit(
    folder: Path, ids: dict[str, str]
) -> None:
    """Of a sweep's lanes too, whose bits are those of their width; of images, and of filled
    columns."""
    ok(run_all([SWEEP], folder)[0])
    made = [path.stem for path in folder.glob("records/params/*")]
    lanes = [run for run in made if record(folder, run)["config"]["dataset"] == "digits"]
    assert len(lanes) == 3
    assert record(folder, lanes[0])["provenance"]["width"] == 3
    splits = ("train", "validation", "test")
    cases = [*zip([ids["wine"]] * 3, splits, strict=True), *zip(lanes, splits, strict=True)]
    cases += [(ids["prices"], "test"), (ids["pets"], "test")]
    results = run_all(
        [["evaluate", f"--run={run[:10]}", f"--split={split}"] for run, split in cases], folder
    )
    for (run, split), result in zip(cases, results, strict=True):
        expected = {k: v for k, v in record(folder, run)["metrics"].items() if k.startswith(split)}
        assert repr(printed(result, split)) == repr({k: float(v) for k, v in expected.items()})


def test_files_of_an_evaluation(folder: Path, ids: dict[str, str]) -> None:
    cases = [
        ["evaluate", f"--run={ids['wine']}", "--out=wine"],
        ["evaluate", f"--run={ids['prices']}", "--out=prices"],
    ]
    wine, _ = (ok(result) for result in run_all(cases, folder))
    for name in ("wine/calibration.png", "wine/confusion.png", "prices/predicted.png"):
        Image.open(folder / name).verify()
    header, *rows = csv.reader((folder / "wine/predictions.csv").open())
    assert header == ["row", "target", "prediction", "p(class_0)", "p(class_1)", "p(class_2)"]
    right = sum(row[1] == row[2] for row in rows)
    assert right / len(rows) == printed(wine, "test")["test/accuracy"]
    _, *confusion = csv.reader((folder / "wine/confusion.csv").open())
    assert sum(int(row[1 + place]) for place, row in enumerate(confusion)) == right
    assert all(abs(sum(map(float, row[3:])) - 1) < 1e-6 for row in rows)


def test_own_files(folder: Path, ids: dict[str, str]) -> None:
    """The training file again; one without the target, whose missing number is filled; folders of
    images."""
    cases = [
        ["evaluate", f"--run={ids['prices']}", "--split=csv:prices.csv"],
        ["evaluate", f"--run={ids['prices']}", "--split=csv:new.csv", "--out=new"],
        ["evaluate", f"--run={ids['pets']}", "--split=folder:pets"],
        ["evaluate", f"--run={ids['pets']}", "--split=folder:own", "--out=own_out"],
        ["evaluate", f"--run={ids['code']}", "--split=csv:new.csv"],
        ["evaluate", f"--run={ids['pets']}", "--split=train", "--out=pets_out"],
    ]
    whole, new, pets, _, code, _ = (ok(result) for result in run_all(cases, folder))
    metrics = record(folder, ids["prices"])["metrics"]
    sizes = {"train": 48, "validation": 6, "test": 6}
    expected = sum(size * metrics[f"{split}/mse"] for split, size in sizes.items()) / 60
    assert printed(whole, "csv:prices.csv")["csv:prices.csv/mse"] == pytest.approx(
        expected, rel=1e-6
    )
    assert "columns that the run does not read: id" in new.err
    header, first, second = csv.reader((folder / "new/predictions.csv").open())
    assert header == ["row", "prediction"]
    assert first[0] == "0"
    assert float(first[1]) > float(second[1])
    assert "accuracy" in pets.out
    assert set(printed(code, "csv:new.csv")) == {"csv:new.csv/mse", "csv:new.csv/mae"}
    assert (
        next(iter(csv.DictReader((folder / "own_out/predictions.csv").open())))["row"]
        == "own/one.png"
    )
    images = {str(file.relative_to(folder / "pets")) for file in folder.glob("pets/*/*.png")}
    predictions = list(csv.DictReader((folder / "pets_out/predictions.csv").open()))
    assert {row["row"] for row in predictions} < images
    wrong = {row["row"] for row in predictions if row["target"] != row["prediction"]}
    assert {row["row"] for row in csv.DictReader((folder / "pets_out/wrong.csv").open())} == wrong
    per_class = list(csv.DictReader((folder / "pets_out/per_class.csv").open()))
    assert [row["class"] for row in per_class] == ["dark", "light"]
    assert sum(int(row["rows"]) for row in per_class) == len(predictions)
    Image.open(folder / "pets_out/wrong.png").verify()


def test_best_and_last(folder: Path, ids: dict[str, str]) -> None:
    run = ids["wine"]
    cases = [
        ["evaluate", f"--run={run}", "--split=validation", f"--params={which}"]
        for which in ("best", "last")
    ]
    losses = record(folder, run)["curves"]["validation/loss"]
    best, last = run_all(cases, folder)
    assert f"its best parameters, of epoch {1 + int(np.argmin(losses))};" in ok(best).out
    assert f"its last parameters, of epoch {len(losses)};" in ok(last).out


def test_fine_tuning(folder: Path, ids: dict[str, str]) -> None:
    """On the same data from two runs as lanes of a sweep; on others, with another head; evaluated
    like any run."""
    (second,) = run_all([["train", *WINE, "--seed=1", "--keep_params"]], folder)
    sources = f"{ids['wine'][:8]}:best|{run_id(second)}"
    tuned = ["--freeze=HiddenDense", "--learning_rate=0.01"]
    lanes, unfit, other = (
        result
        for result in run_all(
            [
                ["sweep", *WINE, *tuned, f"--grid=init_from={sources}", "--keep_params"],
                ["train", "--dataset=folder:more", *PETS[1:], f"--init_from={ids['pets'][:8]}"],
                [
                    "train",
                    "--dataset=folder:more",
                    *PETS[1:],
                    f"--init_from={ids['pets'][:8]}",
                    "--reset=^Dense_0/",
                ],
            ],
            folder,
        )
    )
    assert f"{ids['wine']}:best" in ok(lanes).out
    assert "there" in unfit.err
    assert "--reset='^Dense_0/'" in unfit.err
    assert f"init_from={ids['pets']}:last" in ok(other).out
    made = [path.stem for path in folder.glob("records/params/*")]
    begun = [run for run in made if record(folder, run)["config"]["freeze"] == "HiddenDense"]
    assert len(begun) == 2
    assert record(folder, begun[0])["provenance"]["width"] == 2
    *again, verified = run_all(
        [["evaluate", f"--run={run}"] for run in begun] + [["verify", f"--run={begun[0]}"]], folder
    )
    assert "identical" in ok(verified).out
    for run, result in zip(begun, again, strict=True):
        assert printed(result, "test")["test/nll"] == record(folder, run)["metrics"]["test/nll"]


CASES = {
    "evaluate": "give --run=RUN",
    "evaluate --run=zzz": "no record of a run 'zzz' in records; launch.runs lists its ",
    "evaluate --run={wine} --split=tset": "tset: expected test, validation, train, csv:FILE, folder:DIR or text:FILE",
    "evaluate --run={wine} --split=folder:pets": "the run was trained on a table: give csv:FILE",
    "evaluate --run={pets} --split=csv:new.csv": "the run was trained on images: give folder:DIR",
    "evaluate --run={prices} --split=csv:nofile.csv": "nofile.csv",
    "evaluate --run={prices} --split=csv:pink.csv --out=x": "row 2, column 'colour': 'pink' was not there in training",
    "evaluate --run={prices} --split=csv:new.csv": "no metrics; --out=DIR writes the predictions",
    "evaluate --run={sums} --split=csv:new.csv": "adding is not a table of columns; give one of test, validation,",
    "evaluate --run={wine} --beams=2": "--beams applies only to task=sequence_to_sequence; the run's task is classificat",
    "evaluate --run={wine} --params=worst": "best|last",
    "evaluate --run={bare}": "kept no parameters; train it again with python -m launch.train --dataset=wine",
    "train --dataset=wine --init_from={bare}": "kept no parameters",
    "train --dataset=wine --arch.hidden=8 --init_from={wine}:first": "expected RUN, RUN:best or RUN:last",
    "train --dataset=wine --arch.hidden=8 --init_from=0000000000000000:best": "no record of a run '0000000000000000'",
    "train --dataset=wine --arch.hidden=9 --init_from={wine}": "Dense_0/kernel ([13, 8] there, [13, 9] here)",
    "train --dataset=iris --arch.hidden=8 --init_from={wine}": "redraw what does not fit with --reset=",
    "train --dataset=wine --freeze=Conv": "freeze='Conv' matches none of the parameters: Dense_0/bias",
    "train --dataset=wine --reset=Dense": "without it there is nothing to reset",
    "train --dataset=wine --freeze=(": "is not a regular expression",
}


def test_bad_input_is_one_line(folder: Path, ids: dict[str, str]) -> None:
    before = sorted(folder.glob("records/runs/*/*"))
    results = run_all([shlex.split(case.format(**ids)) for case in CASES], folder)
    for (case, says), result in zip(CASES.items(), results, strict=True):
        assert result.code == 2, case
        assert len(result.err.strip().splitlines()) == 1, (case, result.err)
        assert says in result.err, (case, result.err)
    assert sorted(folder.glob("records/runs/*/*")) == before


def test_damaged_parameters_are_named_and_made_again(folder: Path, ids: dict[str, str]) -> None:
    path = folder / "records" / "params" / ids["wine"] / "run.json"
    before = record(folder, ids["wine"])
    path.write_text(path.read_text()[:-40])
    damaged, again, evaluated = run_all(
        [
            ["evaluate", f"--run={ids['wine']}"],
            ["train", *WINE, "--keep_params"],
            ["evaluate", f"--run={ids['wine']}"],
        ],
        folder,
    )
    assert damaged.code == 2
    assert "are damaged" in damaged.err
    ok(again)
    assert printed(evaluated, "test")["test/nll"] == before["metrics"]["test/nll"]
    assert record(folder, ids["wine"])["checksums"] == before["checksums"]
