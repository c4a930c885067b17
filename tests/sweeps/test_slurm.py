"""What a sweep on a cluster is made of, without a cluster: options, files, snapshots, and what is
said of failures."""

import stat
import subprocess
from pathlib import Path

import pytest

from research.errors import UserError
from research.sweeps.records import source_version
from research.sweeps.records.provenance import commit_of
from research.sweeps.slurm import cluster, failure, submission
from research.sweeps.slurm.cluster import SlurmTask
from research.sweeps.slurm.folder import Folder, Submitted, Wanted, place_of
from research.sweeps.slurm.resources import Resources, parse_extra


def slurm(folder: Path, monkeypatch: pytest.MonkeyPatch, **scripts: str) -> None:
    """Puts commands of Slurm's on the path that are these shell scripts."""
    for name, script in scripts.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30", 1800),
        ("1:30", 90),
        ("2:00:00", 7200),
        ("1-12", 129600),
        ("1-0:30", 88200),
        ("1-0:0:1", 86401),
    ],
)
def test_limits_as_sbatch_takes_them(text: str, seconds: int) -> None:
    assert submission.limit_seconds(text) == seconds


@pytest.mark.parametrize("text", ["INFINITE", "a", "1:2:3:4", ""])
def test_a_limit_that_is_none_is_left_to_slurm(text: str) -> None:
    assert submission.limit_seconds(text) is None
    assert submission.ahead(text) == submission.AHEAD


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1-02:03:04", 93784), ("02:03:04", 7384), ("3:04", 184), ("UNLIMITED", None), ("", None)],
)
def test_time_left_as_squeue_says_it(text: str, seconds: float | None) -> None:
    assert cluster.parse_duration(text) == seconds


def test_a_cancelled_sweep_is_so_until_it_is_asked_for(tmp_path: Path) -> None:
    folder = Folder(place_of(tmp_path, "sweeps/mine"))
    folder.cancel()  # there is nothing to cancel
    assert not folder.cancelled()
    assert not folder.path.exists()
    folder.want(Wanted("code", {}))
    folder.cancel()
    assert folder.cancelled()
    folder.begin()
    assert not folder.cancelled()


def test_a_short_limit_is_told_at_half_of_it() -> None:
    assert submission.ahead("1") == 30
    assert submission.ahead("24:00:00") == submission.AHEAD


def test_other_options_of_sbatch() -> None:
    assert parse_extra("qos=high,nice=100") == (("qos", "high"), ("nice", "100"))
    assert parse_extra("exclude=n[1-3,5],--mail_type=END") == (
        ("exclude", "n[1-3,5]"),
        ("mail-type", "END"),
    )
    given = Resources(gpus_per_node=2, time="4:00:00", extra=(("qos", "high"),)).options()
    assert given == {
        "gpus-per-node": 2,
        "time": "4:00:00",
        "nodes": 1,
        "ntasks-per-node": 1,
        "qos": "high",
    }


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("qos", "'qos' is not of the form key=value"),
        ("qos=", "'qos=' is not of the form"),
        ("qos=a,,nice=1", "'' is not of the form"),
        ("qos=a,qos=b", "'qos' is given twice"),
        ("time=1", "'time' is set by the sweep itself; give --slurm.time"),
        ("signal=TERM", "'signal' is set by the sweep itself"),
    ],
)
def test_other_options_that_are_wrong(text: str, wrong: str) -> None:
    with pytest.raises(UserError, match=wrong):
        parse_extra(text)


def test_a_folder_keeps_what_is_said(tmp_path: Path) -> None:
    folder, other = Folder(place_of(tmp_path, "sweeps/a")), Folder(place_of(tmp_path, "sweeps/a"))
    assert folder.records == tmp_path
    first, second = Wanted("1", {"a": {"seed": "0"}}), Wanted("2", {})
    folder.want(first)
    assert other.wanted() == first
    assert other.wanted() is other.wanted()
    folder.want(second)
    assert other.wanted() == second
    for job in (Submitted("10", 2, "abc", "1"), Submitted("9", 1, "abc", "1", after="8")):
        folder.add(job)
    assert [job.id for job in other.jobs()] == ["9", "10"]
    folder.forget("9")
    assert [job.id for job in other.jobs()] == ["10"]
    folder.hold("10_1", {"b", "a"})
    assert other.under_way("10_1") == ["a", "b"]
    folder.drop("10_1")
    assert other.under_way("10_1") == []


def test_a_node_sees_the_folder_by_its_token(tmp_path: Path) -> None:
    folder, elsewhere = (
        Folder(place_of(tmp_path / "a", "sweeps/a")),
        Folder(place_of(tmp_path / "b", "sweeps/a")),
    )
    token = folder.token()
    assert folder.token() == token
    assert folder.sees(token)
    assert not elsewhere.sees(token)
    elsewhere.token()
    assert not elsewhere.sees(token)


def test_a_snapshot_stays_as_it_was(tmp_path: Path) -> None:
    for package in ("launch", "research", "experiments"):
        (tmp_path / package / "inner").mkdir(parents=True)
        (tmp_path / package / "inner" / "a.py").write_text("before")
    plugin = tmp_path / "mine.py"
    plugin.write_text("plugin")
    version, folder = source_version.version(tmp_path), tmp_path / "code"
    place = source_version.snapshot(folder, [plugin], "a commit", tmp_path)
    assert source_version.snapshot(folder, [plugin], "a commit", tmp_path) == place
    assert [path.read_text() for path in source_version.plugins(place)] == ["plugin"]
    assert source_version.version(place) == version
    assert commit_of(place) == "a commit"
    (tmp_path / "research" / "inner" / "a.py").write_text("after")
    plugin.write_text("changed")
    other = source_version.snapshot(folder, [plugin], "a commit", tmp_path)
    assert (place / "research" / "inner" / "a.py").read_text() == "before"
    assert (other / "research" / "inner" / "a.py").read_text() == "after"
    assert source_version.version(tmp_path) == source_version.version(other) != version
    assert sorted(path.name for path in folder.iterdir()) == sorted([place.name, other.name])


def test_a_version_is_of_what_trains(tmp_path: Path) -> None:
    for package in ("launch", "research"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "a.py").write_text("before")
    version = source_version.version(tmp_path)
    (tmp_path / "launch" / "a.py").write_text("after")
    assert source_version.version(tmp_path) == version
    (tmp_path / "research" / "b.py").write_text("")
    assert source_version.version(tmp_path) != version


def test_the_queue_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = (
        "7_0|RUNNING|None",
        "7_1|PENDING|launch failed requeued held",
        "8|PENDING|Priority",
        "70_1|RUNNING|None",
    )
    slurm(tmp_path, monkeypatch, squeue="\n".join(f"echo '{line}'" for line in lines))
    assert cluster.tasks(["7"]) == [
        SlurmTask("7_0", "RUNNING", "None"),
        SlurmTask("7_1", "PENDING", cluster.HELD),
    ]
    assert {task.job for task in cluster.tasks(["7", "8"])} == {"7", "8"}


def test_what_slurm_says_against_it_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slurm(
        tmp_path, monkeypatch, squeue="echo 'squeue: error: no\nsqueue: error: contact' >&2; exit 1"
    )
    with pytest.raises(cluster.Refused, match=r"^no; contact$"):
        cluster.tasks(["7"])


def test_what_slurm_would_refuse_is_told_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = "echo 'sbatch: error: invalid partition specified: gpus' >&2; exit 1"
    slurm(tmp_path, monkeypatch, sbatch=words, sinfo="echo main; echo short; echo main")
    with pytest.raises(
        UserError, match=r"invalid partition specified: gpus; partitions here: main, short$"
    ):
        submission.check(Resources(partition="gpus"))
    slurm(tmp_path, monkeypatch, sbatch=f'echo "$@" > {tmp_path}/words')
    submission.check(Resources(partition="main", time="1", extra=(("qos", "high"),)))
    given = (tmp_path / "words").read_text().split()
    assert given[0] == "--test-only"
    assert {"--partition=main", "--qos=high", "--requeue", "--signal=B:USR2@30"} <= set(given)


def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str, log: str | None) -> str:
    folder = Folder(place_of(tmp_path, "sweeps/a"))
    folder.logs.mkdir(parents=True)
    if log is not None:
        folder.log("7_0").write_text(log)
    slurm(tmp_path, monkeypatch, scontrol=f"echo 'JobId=7 ArrayJobId=7 {state}'")
    return failure.explained(folder, ["7"], 3)


def test_without_a_log_the_nodes_do_not_see_the_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = told(tmp_path, monkeypatch, "JobState=FAILED ExitCode=0:53", None)
    assert said.startswith(
        f"the nodes do not see {place_of(tmp_path, 'sweeps/a')} (1 FAILED 0:53): 3 runs of a wait"
    )


def test_what_was_cancelled_in_the_queue_left_no_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = told(tmp_path, monkeypatch, "JobState=CANCELLED ExitCode=0:0", None)
    assert "the jobs ended (1 CANCELLED 0:0) before they began" in said


def test_a_log_is_named_with_its_last_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = told(
        tmp_path, monkeypatch, "JobState=FAILED ExitCode=2:0", "first\nerror: cannot write\n\n"
    )
    assert said.endswith("7_0_0_log.out ends with: error: cannot write")


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        ("export GREETING='a b'", 0, "a b\n"),
        ("(exit 3)", 3, "the task ends: --slurm.setup=(exit 3) failed with exit code 3\n"),
        (
            "no-such-module 'cuda'",
            127,
            "the task ends: --slurm.setup=no-such-module 'cuda' failed with exit code 127\n",
        ),
    ],
)
def test_a_task_whose_setup_fails_ends_and_says_so(command: str, code: int, said: str) -> None:
    script = "\n".join([*submission.setup(command), 'echo "$GREETING"'])
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (code, said)
