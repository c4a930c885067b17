"""Flags of sweeps that others train, and sweeps that are asked for again: what is refused, in one
line."""

import json
from pathlib import Path

import pytest

from research.sweeps.declare.sweep_spec import SweepSpec
from research.sweeps.records.store import Store
from tests.support.command_lines import Result, run_all

RUN = ["--dataset=iris", "--arch.hidden=4", "--epochs=2", "--batch_size=16"]
REFUSED = {
    "a flag of Slurm's alone": (
        ["sweep", *RUN, "--slurm.partition=gpu"],
        "--slurm.partition requires --executor=slurm",
    ),
    "nodes alone": (
        ["table", "--experiment=regularization", "--nodes=2"],
        "--nodes requires --executor=slurm",
    ),
    "malformed options": (
        ["sweep", *RUN, "--executor=slurm", "--slurm.extra=qos"],
        "slurm.extra=qos: 'qos' is not of the form key=value",
    ),
    "no Slurm": (
        ["sweep", *RUN, "--executor=slurm"],
        "no sbatch and no squeue and no scontrol and no scancel on",
    ),
    "no Slurm for a table": (
        ["table", "--experiment=regularization", "--executor=slurm"],
        "no sbatch",
    ),
    "a profile": (
        ["sweep", *RUN, "--executor=slurm", "--profile=trace"],
        "--profile applies only to training in this process",
    ),
    "nothing to cancel": (["sweep", "--cancel"], "--cancel requires --name=SWEEP"),
    "too much to cancel": (
        ["sweep", *RUN, "--cancel", "--name=a"],
        "--cancel cancels all jobs of --name; leave --dataset out",
    ),
    "another name": (["sweep", "--cancel", "--name=a"], "no sweep 'a'"),
    "no name": (["sweep", *RUN, "--accept_code"], "--accept_code requires --name"),
    "auto and more": (
        ["train", *RUN, "--coordinator=auto", "--processes=2"],
        "the cluster says --processes",
    ),
    "no cluster": (
        ["train", *RUN, "--coordinator=auto"],
        "coordinator=auto: no cluster that JAX knows has started this process",
    ),
}


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    """Where no Slurm is on the path, whatever this machine has."""
    folder = tmp_path_factory.mktemp("refused")
    (folder / "empty").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(folder / "empty"))
        return dict(
            zip(REFUSED, run_all([case for case, _ in REFUSED.values()], folder), strict=True)
        )


@pytest.mark.parametrize("name", REFUSED)
def test_says_in_one_line_what_is_wrong(refused: dict[str, Result], name: str) -> None:
    result = refused[name]
    assert result.code == 2, result
    (line,) = result.err.strip().splitlines()
    assert line.startswith("error: ")
    assert REFUSED[name][1] in line


def test_other_code_goes_on_only_if_it_may(tmp_path: Path) -> None:
    """A sweep that was begun with other code: refused while there is something to train, and not
    afterwards."""
    store = Store(tmp_path / "records")
    requests = [
        {"dataset": "iris", "arch.hidden": "4", "epochs": "2", "batch_size": "16", "seed": "0"}
    ]
    SweepSpec(requests, []).save(store, "mine", [])
    path = tmp_path / "records" / "sweeps" / "mine.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "code": "another"}))
    sweep, table = ["sweep", *RUN, "--name=mine"], ["table", "--name=mine"]
    first, shown, seen, accepted, again = run_all(
        [sweep, table, [*table, "--no_train"], [*table, "--accept_code"], sweep], tmp_path
    )
    for result in (first, shown):
        assert result.code == 2
        assert (
            "'mine' was started with other code (research/ and plugins were another and are"
            in result.err
        )
        assert "1 of its runs have no record" in result.err
        assert "--accept_code" in result.err
    assert "no run of 'mine' has a record yet" in seen.err
    assert accepted.code == again.code == 0, accepted.err
    assert json.loads(path.read_text())["code"] == content["code"]
