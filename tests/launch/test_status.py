"""launch.status on real sweeps: how far they are, as lines and as a page."""

import dataclasses
import io
import os
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from research import characters
from research.sweeps.declare.sweep_spec import SweepSpec
from research.sweeps.records.store import Store
from research.sweeps.slurm.folder import Folder, Submitted, place_of
from tests.support.command_lines import ROOT, Result, run_all

BASE = ["--dataset=wine", "--arch.hidden=8", "--epochs=3", "--seeds=2"]
GRID = "--grid=learning_rate=0.01|0.1"
MINE = SweepSpec([{"seed": "0"}], [], runs=["ab" * 8], epochs=[1])


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    folder = tmp_path_factory.mktemp("status")
    cases = {
        "none": ["status"],
        "train": ["sweep", *BASE, GRID, "--name=rates"],
        "done": ["status", "--name=rates"],
        "wider": ["sweep", *BASE, "--grid=learning_rate=0.01|0.1|1e30", "--name=wider"],
        "every": ["status"],
        "page": ["status", "--name=wider", "--html=page"],
        "experiment": ["status", "--experiment=regularization", "--html=before"],
        "unknown": ["status", "--name=wide"],
        "both": ["status", "--name=wider", "--experiment=regularization"],
        "page of all": ["status", "--html=page"],
        "again": ["train", *BASE[:-1], "--learning_rate=0.01"],
    }
    results = dict(zip(cases, run_all(list(cases.values()), folder), strict=True))
    (folder / "records" / "sweeps" / "broken.json").write_text("{")
    (results["damaged"],) = run_all([["status"]], folder)
    for name in ("page", "before"):
        results[f"{name}.html"] = Result(0, (folder / name / "index.html").read_text(), "")
    return results


def test_a_sweep_that_is_done(results: dict[str, Result]) -> None:
    lines = results["done"].out.splitlines()
    assert lines[0].split() == ["rates", "finished", "running", "queued"]
    assert [line.split() for line in lines[1:4]] == [
        ["learning_rate=0.01", "2", "·", "·"],
        ["learning_rate=0.1", "2", "·", "·"],
        ["all", "4", "·", "·"],
    ]
    assert lines[-1] == "nothing is left to train"


def test_every_sweep_is_a_row(results: dict[str, Result]) -> None:
    rows = {line.split()[0]: line.split()[1:] for line in results["every"].out.splitlines() if line}
    assert rows["sweep"] == ["finished", "running", "queued", "diverged"]
    assert rows["rates"] == ["4", "·", "·", "·"]
    assert rows["wider"] == ["4", "·", "·", "2"]


def test_a_damaged_sweep_hides_no_other(results: dict[str, Result]) -> None:
    assert results["damaged"].code == 0
    assert "broken.json is damaged" in results["damaged"].err
    assert results["damaged"].out == results["every"].out


@pytest.mark.parametrize("name", ["unknown_field", "list", "requests"])
def test_a_sweep_of_newer_code_hides_no_other(tmp_path: Path, name: str) -> None:
    store = Store(tmp_path / "records")
    store.write_json("sweeps", "mine", dataclasses.asdict(MINE))
    content = {
        "list": [],
        "requests": {"requests": 3},
        "unknown_field": {"requests": [], "axes": [], "tags": ["a"]},
    }
    store.write_json("sweeps", "other", content[name])
    (result,) = run_all([["status"]], tmp_path)
    assert result.code == 0
    assert "mine" in result.out
    assert "other.json" in result.err
    assert len(result.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("encoding", "written"), [("ascii", "."), ("latin-1", "·"), ("cp1251", "·")]
)
def test_a_terminal_that_lacks_a_character_gets_another(
    tmp_path: Path, encoding: str, written: str
) -> None:
    store = Store(tmp_path / "records")
    store.write_json("sweeps", "mine", dataclasses.asdict(MINE))
    line = [sys.executable, "-m", "launch.status"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": encoding}
    done = subprocess.run(line, capture_output=True, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr
    assert written in done.stdout.decode(encoding)


def test_what_has_no_plain_form_is_escaped() -> None:
    written = io.BytesIO()
    stream = io.TextIOWrapper(written, encoding="ascii")
    characters.adapt(stream)
    print("2.23 ± 0.01, Δ −3, 中, \udcff", file=stream, flush=True)
    assert written.getvalue() == b"2.23 +/- 0.01, delta -3, \\u4e2d, \\udcff\n"


def test_a_run_that_has_its_record_says_so(results: dict[str, Result]) -> None:
    assert "nothing was trained: its record was there already" in results["again"].out


class _Tags(HTMLParser):
    """Collects what a page would fetch, and the tags that are open at its end."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.open: list[str] = []
        self.count: dict[str, int] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.count[tag] = self.count.get(tag, 0) + 1
        self.fetched += [
            str(value) for name, value in attrs if name in ("src", "href", "xlink:href")
        ]
        if tag not in ("meta", "link"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize(("page", "figures"), [("page.html", True), ("before.html", False)])
def test_a_page_is_whole_and_needs_no_network(
    results: dict[str, Result], page: str, figures: bool
) -> None:
    text, tags = results[page].out, _Tags()
    tags.feed(text)
    tags.close()
    assert not tags.open
    assert all(place.startswith("#") for place in tags.fetched)  # within the page
    assert ("svg" in tags.count) == figures
    assert "How far it is" in text
    assert "Plan" in text
    assert "program " in text


def test_the_page_shows_the_table(results: dict[str, Result]) -> None:
    text = results["page.html"].out
    assert "diverged (0/2)" in text
    assert "<td" in text
    assert "95 % t-interval" in text


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("none", "no sweep in records has a name"),
        ("unknown", "did you mean wider"),
        ("both", "not both"),
        ("page of all", "--html requires --name or --experiment"),
    ],
)
def test_bad_input_is_one_line(results: dict[str, Result], case: str, said: str) -> None:
    result = results[case]
    assert result.code == 2
    assert said in result.err
    assert result.err.count("\n") == 1


SQUEUE = """#!/bin/sh
printf '12_0|RUNNING|None\\n12_1|PENDING|Resources\\n12_2|PENDING|Priority\\n13_0|RUNNING|None\\n'
"""


def test_it_says_what_slurm_has_of_the_tasks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Job 12 is the sweep's, 13 another's; then Slurm is not there any more."""
    store = Store(tmp_path / "records")
    SweepSpec([], []).save(store, "far", [])
    Folder(place_of(store.root, "sweeps/far")).add(Submitted("12", 3, "code", "version"))
    squeue = tmp_path / "bin" / "squeue"
    squeue.parent.mkdir()
    squeue.write_text(SQUEUE)
    squeue.chmod(0o755)
    monkeypatch.setenv("PATH", str(squeue.parent), prepend=":")
    (found,) = run_all([["status", "--name=far"]], tmp_path)
    assert (
        found.out.splitlines()[-1]
        == "Slurm's tasks: 1 running, 1 pending (Resources), 1 pending (Priority)"
    )
    squeue.unlink()
    (gone,) = run_all([["status", "--name=far"]], tmp_path)
    assert gone.code == 0
    last = gone.out.splitlines()[
        -1
    ]  # in the words of a squeue that finds no cluster, or of the system without one
    assert last.startswith("Slurm's tasks: ")
    assert "pending" not in last


def test_a_look_at_a_name_imports_no_jax() -> None:
    """It is what a person waits for."""
    program = (
        "import sys, launch.status; sys.exit(bool({'jax', 'flax', 'matplotlib', 'scipy'} &"
        " set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT).returncode == 0
