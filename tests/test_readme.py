"""The README: its own experiment and network are written to files, its commands run, its table has the arms."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from research.registry import load_package
from research.sweeps.experiment import EXPERIMENTS
from tests.launch.command_lines import Result, run_all

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
LONG = "# takes minutes"


def blocks(language: str) -> list[str]:
    """The contents of the README's code blocks in that language."""
    return [body for found, body in re.findall(r"^```(\w*)\n(.*?)^```$", README, re.M | re.S) if found == language]


def commands() -> list[str]:
    """The README's launcher commands, in order."""
    return [line for block in blocks("") for line in block.splitlines() if line.startswith("python -m launch.")]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree with the README's own experiment and network in it, and records that its commands share."""
    directory = tmp_path_factory.mktemp("checkout")
    for package in ("launch", "research"):
        (directory / package).symlink_to(ROOT / package)
    (directory / "experiments").mkdir()
    for file in (ROOT / "experiments").glob("*.py"):
        shutil.copy(file, directory / "experiments")
    declaration, network = blocks("python")
    (directory / "experiments" / "my_question.py").write_text(declaration)
    (directory / "my_net.py").write_text(network)
    (directory / "README.md").symlink_to(ROOT / "README.md")
    return directory


@pytest.fixture(scope="module")
def results(checkout: Path) -> dict[str, Result]:
    """What each command came to that does not take minutes; they run in their order."""
    quick = [command for command in commands() if LONG not in command]
    cases = [shlex.split(command)[2:] for command in quick]
    ran = run_all([[name.removeprefix("launch."), *flags] for name, *flags in cases], checkout, path=checkout)
    return dict(zip(quick, ran, strict=True))


@pytest.mark.parametrize("command", commands())
def test_command_runs(command: str, checkout: Path, results: dict[str, Result]) -> None:
    if LONG in command:
        pytest.skip("takes minutes")
    done = results[command]
    assert done.code == 0, done.err
    written = re.search(r"--out=(\S+)", command)
    assert (checkout / written[1]).stat().st_size > 0 if written else done.out


def test_long_commands_name_what_exists() -> None:
    load_package("experiments")
    for command in commands():
        named = re.search(r"--experiment=(\w+)", command)
        assert named is None or named[1] in EXPERIMENTS or named[1] == "my_question"


def test_every_launcher_has_an_example() -> None:
    programs = {file.stem for file in (ROOT / "launch").glob("*.py") if "start.run(" in file.read_text()}
    shown = {re.match(r"python -m launch\.(\w+)", command)[1] for command in commands()}  # type: ignore[index]
    assert shown == programs


def test_table_is_the_one_that_is_declared() -> None:
    load_package("experiments")
    experiment = EXPERIMENTS.get("regularization")
    table = README.split("<!-- table -->")[1].split("<!-- end of table -->")[0]
    for column in experiment.columns:
        rows = table.split(f"**{column.label}**")[1].split("**test ")[0].splitlines()
        first_cells = [line.split("|")[1].strip() for line in rows if line.startswith("|")]
        arms = [cell.removesuffix(" (baseline)") for cell in first_cells[2:]]
        assert arms == list(experiment.arms)
    assert f"n = {experiment.seeds} seeds" in " ".join(table.split())
