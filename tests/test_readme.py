"""The README: its own experiment, network and parts are written to files, its commands run, its table has the arms."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from research.registry import load_package
from research.sweeps.experiment import EXPERIMENTS
from research.sweeps.store import Store
from research.sweeps.sweep import Sweep
from tests.launch.command_lines import Result, run_all

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
LONG, ELSEWHERE = "# takes minutes", "# needs Slurm"


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
    (directory / "experiments").mkdir()
    for file in (ROOT / "experiments").glob("*.py"):
        shutil.copy(file, directory / "experiments")
    declaration, network, parts = blocks("python")
    (directory / "experiments" / "my_question.py").write_text(declaration)
    (directory / "my_net.py").write_text(network)
    (directory / "my_parts.py").write_text(parts)
    (directory / "README.md").symlink_to(ROOT / "README.md")
    return directory


@pytest.fixture(scope="module")
def results(checkout: Path) -> dict[str, Result]:
    """What each command came to that does not take minutes; they run in their order."""
    quick = [command for command in commands() if LONG not in command and ELSEWHERE not in command]
    cases = [shlex.split(command)[2:] for command in quick]
    ran = run_all([[name.removeprefix("launch."), *flags] for name, *flags in cases], checkout)
    return dict(zip(quick, ran, strict=True))


@pytest.mark.parametrize("command", [command for command in commands() if ELSEWHERE not in command])
def test_command_runs(command: str, checkout: Path, results: dict[str, Result]) -> None:
    if LONG in command:
        pytest.skip("takes minutes")
    done = results[command]
    assert done.code == 0, done.err
    written = re.search(r"--out=(\S+)", command)
    assert (checkout / written[1]).stat().st_size > 0 if written else done.out


@pytest.mark.parametrize("command", [command for command in commands() if ELSEWHERE in command])
def test_commands_for_slurm_lack_nothing_else(command: str, checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is none, that is all that is wrong with them; tests/slurm/ has a real one."""
    if "--cancel" in command:
        name = re.search(r"--name=(\w+)", command)
        assert name is not None
        Sweep([], []).save(Store(checkout / "records"), name[1], [])
    monkeypatch.setenv("PATH", "")
    _, _, program, *flags = shlex.split(command, comments=True)
    (done,) = run_all([[program.removeprefix("launch."), *flags]], checkout)
    assert done.code == 2
    assert done.err.splitlines()[-1].startswith("error: no sbatch and no squeue")


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
