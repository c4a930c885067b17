"""The documentation: the commands of its pages run, its Python runs page by page, and its links lead somewhere."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.launch.command_lines import run_all

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs").rglob("*.md"))
LONG, ELSEWHERE = "# takes minutes", "# needs Slurm"


def blocks(page: Path, language: str) -> list[str]:
    """The contents of a page's code blocks in that language."""
    return [
        body for name, body in re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text(), re.M | re.S) if name == language
    ]


def commands(page: Path) -> list[str]:
    lines = [line for block in blocks(page, "") for line in block.splitlines()]
    return [line for line in lines if line.startswith("python -m launch.")]


def named(page: Path) -> str:
    return str(page.relative_to(ROOT / "docs"))


@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)], ids=named)
def test_the_commands_of_a_page_run(page: Path, tmp_path: Path) -> None:
    quick = [command for command in commands(page) if LONG not in command and ELSEWHERE not in command]
    cases = [shlex.split(command)[2:] for command in quick]
    results = run_all([[name.removeprefix("launch."), *flags] for name, *flags in cases], tmp_path)
    for command, result in zip(quick, results, strict=True):
        assert result.code == 0, f"{command}\n{result.err}"


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")], ids=named)
def test_the_python_of_a_page_runs(page: Path, tmp_path: Path) -> None:
    code = "\n".join(blocks(page, "python"))
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", [*PAGES, ROOT / "README.md", ROOT / "CONTRIBUTING.md"], ids=lambda page: page.name)
def test_links_to_files_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text()):
        if "://" not in link and not link.startswith("reference/"):  # these are made when the site is built
            assert (page.parent / link).exists(), link
