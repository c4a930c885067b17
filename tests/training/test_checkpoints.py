"""Law 1: a run that is stopped at any boundary, and goes on from what was saved, ends with the same
bits."""

import dataclasses
import json
import os
import shutil
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from research.errors import UserError
from research.sweeps.plan.run_plan import PlannedRun
from research.training.checkpoint.checkpoint_writer import CheckpointWriter
from research.training.checkpoint.checkpoints import Checkpoints, steps
from research.training.checkpoint.pack_manifest import PackManifest
from research.training.checkpoint.snapshot import select
from research.training.checkpoint.snapshot_format import read
from research.training.devices.strategy import ExecutionStrategy
from research.training.setup.lane_inputs import abstract_state
from tests.support.engine import EPOCHS, STEPS_PER_EPOCH, assert_same_bits, run
from tests.training.stops import snapshots, train

LAST = EPOCHS * STEPS_PER_EPOCH


def template(of: PlannedRun) -> Callable[[], Any]:
    return lambda: abstract_state(of.config, of.program)


def pack(runs: Sequence[PlannedRun], **more: Any) -> PackManifest:
    configs = {r.id: {"seed": str(r.config.seed)} for r in runs}
    return PackManifest(
        **{
            "program": runs[0].program.id,
            "device": "cpu",
            "strategy": ExecutionStrategy(2, 1),
            "configs": configs,
            **more,
        }
    )


@pytest.mark.parametrize(
    "strategy",
    [
        ExecutionStrategy(1, 1),
        ExecutionStrategy(3, 5),
        ExecutionStrategy(2, 3),
        ExecutionStrategy(1, 64, 2),
    ],
    ids=repr,
)
def test_every_boundary_of_every_strategy_resumes_with_the_same_bits(
    strategy: ExecutionStrategy,
) -> None:
    settings = {
        "regularization": "dropout=0.3,batch_norm,ema(0.5,statistics=recomputed),early_stopping=1",
        "label_noise": 0.3,
    }
    settings["schedule"] = "reduce_on_plateau"
    runs = [
        run(**settings, seed=seed, learning_rate=rate)
        for seed, rate in enumerate((0.05, 1e15, 0.5))
    ]
    whole, taken = snapshots(runs, strategy)
    assert whole[1].diverged_at is not None
    assert LAST in taken or any(outcome.steps < LAST for outcome in whole)
    for snapshot in taken.values():
        assert repr(train(runs, strategy, resume=snapshot)) == repr(whole)


def test_a_single_run_goes_on_alone_at_its_width() -> None:
    runs = [run(seed=seed, regularization="dropout=0.3") for seed in range(4)]
    whole, taken = snapshots(runs, ExecutionStrategy(4, 2))
    (alone,) = train(runs[2:3], ExecutionStrategy(4, 2), resume=select(taken[9], [2]))
    assert repr(alone) == repr(whole[2])


def test_a_snapshot_survives_the_disk(tmp_path: Path) -> None:
    runs = [
        run(seed=seed, regularization="ema=0.5,early_stopping=2", optimizer="adam")
        for seed in range(2)
    ]
    _, taken = snapshots(runs, ExecutionStrategy(2, 1))
    checkpoints = Checkpoints(tmp_path / "here")
    checkpoints.prepare()
    with CheckpointWriter(checkpoints, pack(runs)) as writer:
        for step in (2, 5, 9):
            writer.save(dataclasses.replace(taken[step], seconds=1.5))
    (folder,) = [path for path, _ in checkpoints.packs()]
    assert sorted(steps(folder)) == [5, 9]
    found = checkpoints.find([runs[1].id, "another"], runs[0].program.id, template(runs[0]))
    assert found is not None
    assert (found.runs, found.strategy, found.device) == (
        [runs[1].id],
        ExecutionStrategy(2, 1),
        "cpu",
    )
    assert (found.snapshot.step, found.snapshot.seconds) == (9, 1.5)
    expected = select(taken[9], [1])
    assert_same_bits(found.snapshot.state, expected.state)
    assert_same_bits(found.snapshot.rows, expected.rows)
    assert checkpoints.find([runs[1].id], "other program", template(runs[0])) is None


def test_packs_that_save_at_the_same_moment_do_not_wait_for_each_other(tmp_path: Path) -> None:
    runs = [run(seed=seed) for seed in range(8)]
    _, taken = snapshots(runs, ExecutionStrategy(2, 1))
    checkpoints = Checkpoints(tmp_path)
    checkpoints.prepare()

    def save(place: int) -> None:
        with CheckpointWriter(checkpoints, pack(runs[2 * place : 2 * place + 2])) as writer:
            for step in sorted(taken):
                writer.save(select(taken[step], [2 * place, 2 * place + 1]))

    threads = [threading.Thread(target=save, args=(place,), daemon=True) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in threads)
    assert all(max(steps(folder)) == max(taken) for folder, _ in checkpoints.packs())


def saved(root: Path, messages: list[str]) -> tuple[Checkpoints, list[PlannedRun], Path]:
    """Checkpoints of two runs at steps 5 and 9, and the pack's folder."""
    runs = [run(seed=seed) for seed in range(2)]
    _, taken = snapshots(runs, ExecutionStrategy(2, 1))
    checkpoints = Checkpoints(root, messages.append)
    checkpoints.prepare()
    with CheckpointWriter(checkpoints, pack(runs)) as writer:
        writer.save(taken[5])
        writer.save(taken[9])
    (folder,) = [path for path, _ in checkpoints.packs()]
    return checkpoints, runs, folder


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


# What is cut off the files of `ocdbt.process_0` leaves every array's checksum as it was: no damage.
DAMAGES = [
    (part, damage)
    for part in ("state/d/*", "meta/metadata")
    for damage in (flip, truncate, os.remove)
]
DAMAGES += [("state/ocdbt.process_0/d/*", damage) for damage in (flip, os.remove)]


@pytest.mark.parametrize(("part", "damage"), DAMAGES)
def test_a_damaged_checkpoint_is_set_aside_and_the_one_before_it_used(
    tmp_path: Path, part: str, damage: Callable[[Path], None]
) -> None:
    messages: list[str] = []
    checkpoints, runs, folder = saved(tmp_path, messages)
    for path in list((folder / "9").glob(part)):
        damage(path)
    found = checkpoints.find([r.id for r in runs], runs[0].program.id, template(runs[0]))
    assert found is not None
    assert found.snapshot.step == 5
    assert len(messages) == 1
    assert f"{folder / '9'} does not read back" in messages[0]
    assert next((tmp_path / "damaged").glob(f"{folder.name}.9.*")).is_dir()


def test_a_renamed_step_and_one_of_other_runs_are_set_aside(tmp_path: Path) -> None:
    """The checksums of both fit; only what is said inside tells that they are others."""
    messages: list[str] = []
    checkpoints, runs, folder = saved(tmp_path, messages)
    others = [run(seed=seed) for seed in range(5, 7)]
    with CheckpointWriter(checkpoints, pack(others)) as writer:
        writer.save(snapshots(others, ExecutionStrategy(2, 1))[1][12])
    shutil.copytree(tmp_path / pack(others).name / "12", folder / "12")
    shutil.copytree(folder / "9", folder / "11")
    found = checkpoints.find([r.id for r in runs], runs[0].program.id, template(runs[0]))
    assert found is not None
    assert found.snapshot.step == 9
    assert (
        "12 does not read back (it holds other runs than its pack; was it copied or renamed?)"
        in messages[0]
    )
    assert "11 does not read back (it is of step 9; was it copied or renamed?)" in messages[1]


def test_one_half_written_is_no_checkpoint(tmp_path: Path) -> None:
    checkpoints, runs, folder = saved(tmp_path, [])
    (folder / "9").rename(folder / "9.orbax-checkpoint-tmp-3")
    found = checkpoints.find([r.id for r in runs], runs[0].program.id, template(runs[0]))
    assert found is not None
    assert found.snapshot.step == 5


def test_a_foreign_checkpoint_is_set_aside(tmp_path: Path) -> None:
    """Of another kind of state, and of a newer format."""
    messages: list[str] = []
    checkpoints, runs, folder = saved(tmp_path, messages)
    other = run(optimizer="adam")
    assert checkpoints.find([runs[0].id], runs[0].program.id, template(other)) is None
    assert len(messages) == 2
    assert "opt_state" in messages[0]
    content = json.loads((folder / "pack.json").read_text())
    (folder / "pack.json").write_text(json.dumps(content | {"format": 99}))
    assert list(checkpoints.packs()) == []
    assert "format is 99" in messages[-1]
    assert next((tmp_path / "damaged").glob(f"{folder.name}.*")).is_dir()


def test_a_directory_of_another_project_is_refused(tmp_path: Path) -> None:
    (tmp_path / "weights.bin").write_bytes(b"theirs")
    with pytest.raises(UserError, match="other files than this project's checkpoints"):
        Checkpoints(tmp_path).prepare()
    (tmp_path / "checkpoints.json").write_text('{"checkpoints": "another"}')
    with pytest.raises(UserError, match="belongs to another project"):
        Checkpoints(tmp_path).prepare()
    assert (tmp_path / "weights.bin").read_bytes() == b"theirs"


@pytest.mark.parametrize(
    ("keep", "kept"), [("last", [9, 12]), ("best", [5, 9, 12]), ("all", [2, 5, 9, 12])]
)
def test_what_is_kept(tmp_path: Path, keep: Any, kept: list[int]) -> None:
    runs = [run()]
    _, taken = snapshots(runs, ExecutionStrategy(1, 1))
    checkpoints = Checkpoints(tmp_path)
    checkpoints.prepare()
    losses = {2: 3.0, 5: 1.0, 9: 2.0, 12: 4.0}
    with CheckpointWriter(checkpoints, pack(runs, keep=keep)) as writer:
        for step, loss in losses.items():
            rows = {"validation/loss": np.full((1, 1), loss, np.float32)}
            writer.save(dataclasses.replace(taken[step], rows=rows))
    (folder,) = [path for path, _ in checkpoints.packs()]
    assert sorted(steps(folder)) == kept
    checkpoints.settle(lambda run_id: True)
    assert folder.exists() == (keep == "all")


def test_only_finished_packs_are_settled(tmp_path: Path) -> None:
    checkpoints, runs, folder = saved(tmp_path, [])
    checkpoints.settle(lambda run_id: run_id == runs[0].id)
    assert folder.exists()
    checkpoints.settle(lambda run_id: True)
    assert not folder.exists()


def test_a_full_disk_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [run()]
    _, taken = snapshots(runs, ExecutionStrategy(1, 1))
    checkpoints = Checkpoints(tmp_path)
    checkpoints.prepare()
    with CheckpointWriter(checkpoints, pack(runs)) as writer:
        writer.save(taken[5])
        writer.finish()

        def full(*_: Any, **__: Any) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(writer._manager, "save", full)
        with pytest.raises(UserError, match=r"cannot write the checkpoint .*No space left"):
            writer.save(taken[9])
    assert read(tmp_path / pack(runs).name / "5", template(runs[0])()).step == 5


def test_a_folder_that_another_process_makes_or_takes_away_is_left_alone(tmp_path: Path) -> None:
    messages: list[str] = []
    checkpoints, runs, folder = saved(tmp_path, messages)
    (tmp_path / "begun").mkdir()
    (tmp_path / ".other.gone").mkdir()
    assert [path for path, _ in checkpoints.packs()] == [folder]
    checkpoints.settle(lambda run_id: True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["begun", "checkpoints.json"]
    assert checkpoints.find([runs[0].id], runs[0].program.id, template(runs[0])) is None
    assert steps(folder) == []
    assert not messages


def test_each_step_says_how_it_was_trained(tmp_path: Path) -> None:
    """Where the last cannot be read, the one before it tells of its own way and device."""
    checkpoints, runs, folder = saved(tmp_path, [])
    _, taken = snapshots(runs, ExecutionStrategy(1, 1))
    with CheckpointWriter(
        checkpoints, pack(runs, strategy=ExecutionStrategy(1, 1), device="another")
    ) as writer:
        writer.save(taken[12])
    assert [path for path, _ in checkpoints.packs()] == [folder]
    for last, expected in (
        (12, (ExecutionStrategy(1, 1), "another")),
        (9, (pack(runs).strategy, pack(runs).device)),
    ):
        found = checkpoints.find([r.id for r in runs], runs[0].program.id, template(runs[0]))
        assert found is not None
        assert found.snapshot.step == last
        assert (found.strategy, found.device) == expected
        shutil.rmtree(folder / str(last))


def test_the_stored_pack_names_its_strategy_way() -> None:
    """As earlier versions wrote it, so that their checkpoints are still read."""
    stored = pack([run()], keep="best").to_json()
    assert stored["way"] == {"width": 2, "steps": 1, "devices": 1, "replicas": 1}
    assert stored["kept"] is False
    assert "has_variables" not in stored
    assert "strategy" not in stored
    assert PackManifest.from_json(stored) == pack([run()], keep="best")
