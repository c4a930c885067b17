"""New data is evaluated from what a run kept, also where its own data is gone or another by now."""

import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support.command_lines import Result, run_all

TRAIN = {
    "prices": (
        "--dataset=csv:prices.csv --target=price --impute=mean --arch=linear --epochs=3"
        " --batch_size=8 --target_scaling=standard"
    ),
    "code": (
        "--dataset=csv:prices.csv --target=price --impute=mean --task=reconstruction"
        " --arch=autoencoder --arch.hidden= --arch.code=1 --epochs=1 --batch_size=8"
    ),
    "pets": "--dataset=folder:pets --arch=linear --epochs=2 --batch_size=8",
    "letters": (
        "--dataset=text:letters.txt --context=8 --arch=gru --arch.hidden=4 --epochs=1"
        " --batch_size=32"
    ),
}
NEW = {
    "prices": "csv:new.csv",
    "code": "csv:new.csv",
    "pets": "folder:new",
    "letters": "text:new.txt",
}


def run(folder: Path, lines: list[str]) -> list[Result]:
    return run_all([shlex.split(line) for line in lines], folder)


def write_images(folder: Path, seed: int) -> None:
    draw = np.random.default_rng(seed)
    for place in range(20):
        file = folder / ("da\nrk", "light")[place % 2] / f"{place}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        low = 40 + 100 * (place % 2)
        Image.fromarray(draw.integers(low, low + 60, (4, 4)).astype(np.uint8)).save(file)


def write_prices(file: Path, seed: int) -> None:
    draw = np.random.default_rng(seed)
    rows = [f"{x:.3f},{'red' if x > 0 else 'blue'},{3 * x + 1e9:.3f}" for x in draw.normal(size=40)]
    file.write_text("\n".join(["size,colour,price", *rows, f",red,{1e9:.3f}"]))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("moved")
    write_prices(path / "prices.csv", 0)
    write_prices(path / "new.csv", 1)
    write_images(path / "pets", 0)
    write_images(path / "new", 1)
    (path / "letters.txt").write_text("abcab " * 60)
    (path / "new.txt").write_text("bacab " * 9)
    return path


def test_new_data_needs_nothing_of_the_old(folder: Path) -> None:
    trained = run(folder, [f"train {flags} --keep_params" for flags in TRAIN.values()])
    for result in trained:
        assert result.code == 0, result.err
    ids = {
        name: result.out.split()[1].rstrip(":") for name, result in zip(TRAIN, trained, strict=True)
    }
    lines = [f"evaluate --run={ids[name]} --split={NEW[name]}" for name in TRAIN]
    lines.append(f"generate --run={ids['letters']} --prompt=ab --length=5")
    before = run(folder, lines)
    for result in before:
        assert result.code == 0, result.err
    (folder / "pets").rename(folder / "elsewhere")
    (folder / "letters.txt").unlink()
    write_prices(folder / "prices.csv", 2)  # another content
    for was, now in zip(before, run(folder, lines), strict=True):
        assert (now.code, now.out) == (0, was.out), now.err
    gone = run(
        folder,
        [f"evaluate --run={ids[name]} --split=test" for name in ("prices", "pets", "letters")],
    )
    for result, what in zip(
        gone,
        ("its data, or the version of a method", "is not a folder", "No such file"),
        strict=True,
    ):
        assert result.code == 2
        assert what in result.err
        assert "new data can be evaluated without it: --split=csv:FILE" in result.err
        assert len(result.err.strip().splitlines()) == 1
