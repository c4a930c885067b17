"""The documentation: its commands run in one folder, in reading order; its Python runs; its links
lead somewhere."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import research.catalogue  # noqa: F401
from research.registry import load_package
from research.sweeps.declare.sweep_spec import SweepSpec
from research.sweeps.experiment import EXPERIMENTS
from research.sweeps.records.store import Store
from tests.support.command_lines import Result, run_all

ROOT = Path(__file__).parents[1]
NAVIGATION = re.findall(r"^ +- (\S+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.M)
PAGES = [ROOT / "README.md", *(ROOT / "docs" / name for name in NAVIGATION)]
PROGRAMS = {
    file.stem for file in (ROOT / "launch").glob("*.py") if "start.run(" in file.read_text()
}
LONG, ELSEWHERE = "# takes minutes", "# needs Slurm"
# What makes a command long and changes nothing of what it shows: here it is run at a smaller scale.
SMALLER = {"--samples=30": "--samples=8"}
BLOCK = re.compile(
    r'^```(?P<language>\w*)(?: title="(?P<file>[^"]+)")?\n(?P<body>.*?)^```$', re.M | re.S
)


def python(page: Path) -> str:
    """A page's Python, without the files that a reader is asked to write."""
    blocks = BLOCK.finditer(page.read_text())
    return "\n".join(
        block["body"] for block in blocks if block["language"] == "python" and not block["file"]
    )


def commands() -> list[str]:
    """The commands of all pages, in reading order, each once."""
    blocks = [
        block["body"]
        for page in PAGES
        for block in BLOCK.finditer(page.read_text())
        if not block["language"]
    ]
    lines = [line for block in blocks for line in block.splitlines()]
    return list(dict.fromkeys(line for line in lines if line.startswith("python -m launch.")))


def arguments(command: str) -> list[str]:
    """The program's name and its flags."""
    _, _, program, *flags = shlex.split(command, comments=True)
    return [program.removeprefix("launch."), *(SMALLER.get(flag, flag) for flag in flags)]


QUICK = [command for command in commands() if LONG not in command and ELSEWHERE not in command]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that the pages ask a reader to write, and records that all commands
    share."""
    directory = tmp_path_factory.mktemp("checkout")
    shutil.copytree(
        ROOT / "experiments",
        directory / "experiments",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    for page in PAGES:
        for block in BLOCK.finditer(page.read_text()):
            if block["file"]:
                (directory / block["file"]).write_text(block["body"])
    (directory / "README.md").symlink_to(ROOT / "README.md")
    return directory


@pytest.fixture(scope="module")
def results(checkout: Path) -> dict[str, Result]:
    """The result of each command that takes no minutes."""
    return dict(
        zip(QUICK, run_all([arguments(command) for command in QUICK], checkout), strict=True)
    )


def test_every_page_is_in_the_navigation() -> None:
    assert set(PAGES[1:]) == set((ROOT / "docs").rglob("*.md"))


@pytest.mark.parametrize("command", QUICK)
def test_command_runs(command: str, checkout: Path, results: dict[str, Result]) -> None:
    result = results[command]
    assert result.code == 0, result.err
    written = re.search(r"--out=(\S+)", command)
    assert (checkout / written[1]).stat().st_size > 0 if written else result.out


@pytest.mark.parametrize("command", [command for command in commands() if ELSEWHERE in command])
def test_commands_for_slurm_lack_nothing_else(
    command: str, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without Slurm, its absence is the only error; tests/slurm/ has a real one."""
    if "--cancel" in command:
        name = re.search(r"--name=(\w+)", command)
        assert name is not None
        SweepSpec([], []).save(Store(checkout / "records"), name[1], [])
    monkeypatch.setenv("PATH", "")
    (result,) = run_all([arguments(command)], checkout)
    assert result.code == 2
    assert result.err.splitlines()[-1].startswith("error: no sbatch and no squeue")


# Experiments that a reader is asked to write.
WRITTEN = {
    Path(block["file"]).stem
    for page in PAGES
    for block in BLOCK.finditer(page.read_text())
    if (block["file"] or "").startswith("experiments/")
}


def test_long_commands_name_what_exists() -> None:
    load_package("experiments")
    for command in commands():
        experiment = re.search(r"--experiment=(\w+)", command)
        assert experiment is None or experiment[1] in {*EXPERIMENTS.names(), *WRITTEN}


def test_every_program_has_an_example() -> None:
    assert {arguments(command)[0] for command in commands()} == PROGRAMS


def test_the_readme_names_every_program() -> None:
    assert set(re.findall(r"^\| \[(\w+)\]\(docs/", PAGES[0].read_text(), re.M)) == PROGRAMS


@pytest.mark.parametrize(
    "page", [page for page in PAGES if python(page)], ids=lambda page: page.name
)
def test_the_python_of_a_page_runs(page: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"}
    line = [sys.executable, "-c", python(page)]
    done = subprocess.run(line, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CONTRIBUTING.md"], ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in re.findall(r"\]\(([^)#\s]*)#?([^)\s]*)\)", page.read_text()):
        if "://" in target or target.startswith(
            "reference/"
        ):  # these are generated when the site is built
            continue
        file = page.parent / target if target else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), f"{target}#{anchor}"


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and mkdocs form them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.M)
    return {
        re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings
    }
