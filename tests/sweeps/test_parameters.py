"""Kept parameters on disk: written whole, read back with the same bits, made again where they are
missing."""

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from research import config as config_lib
from research.errors import UserError
from research.sweeps.execute.ensure_records import ensure_records
from research.sweeps.execute.execution_options import Execution
from research.sweeps.plan.run_plan import PlannedRun
from research.sweeps.plan.run_planner import Planner
from research.sweeps.records.record import Record
from research.sweeps.records.saved_parameters import Parameters, Saved, evaluated
from research.sweeps.records.store import Store
from research.training.checkpoint.best_and_last import BestAndLast
from research.training.step.state import Variables
from tests.support.engine import BASE, IMAGES, assert_same_bits, planner, run, train
from tests.sweeps.test_execution import Watcher

KEEP = Execution(keep_params=True)
ID = "0123456789abcdef"


def kept(seed: int = 0) -> BestAndLast:
    """Of no run: two layers and statistics, float32 and float64."""
    generator = np.random.default_rng(seed)

    def variables() -> Variables:
        layer = {
            "kernel": generator.normal(size=(3, 2)).astype(np.float32),
            "bias": generator.normal(size=2),
        }
        return Variables({"Dense_0": layer}, {"BatchNorm_0": {"mean": np.float32([-0.0, np.nan])}})

    return BestAndLast(variables(), np.int32(3), np.float32(0.5), variables(), np.int32(7))


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def recorded(store: Store, run_id: str, **settings: Any) -> None:
    store.write(Record(run_id, "finished", config_lib.to_flags(run(**settings).config)))


def test_they_come_back_as_they_were(tmp_path: Path) -> None:
    parameters = Parameters(Store(tmp_path))
    assert not parameters.has(ID)
    parameters.save(ID, {"seed": "3"}, kept(1))
    folder = parameters.save(ID, {"seed": "3"}, kept())
    assert folder == tmp_path / "params" / ID
    assert [path.name for path in (tmp_path / "params").iterdir()] == [
        ID
    ]  # nothing half written is left
    saved = parameters.load(ID)
    assert (saved.run_id, saved.config, saved.epochs) == (ID, {"seed": "3"}, {"best": 3, "last": 7})
    assert_same_bits(saved.variables, {"best": kept().best, "last": kept().last})
    stored = json.loads((folder / "run.json").read_text())["run"]
    assert "best/params/Dense_0/kernel" in stored["crc32"]


@pytest.mark.parametrize(
    ("part", "damage"),
    [("arrays/d/*", flip), ("run.json", flip), ("arrays/manifest.ocdbt", Path.unlink)],
)
def test_damaged_ones_are_named_and_set_aside(
    tmp_path: Path, part: str, damage: Callable[[Path], None]
) -> None:
    store = Store(tmp_path)
    recorded(store, ID, learning_rate=0.3)
    folder = Parameters(store).save(ID, {}, kept())
    for path in folder.glob(part):
        damage(path)
    with pytest.raises(
        UserError,
        match=(
            rf"{folder} are damaged .*moved to .*damaged/{ID}.*--learning_rate=0.3.*--keep_params"
        ),
    ):
        Parameters(store).load(ID)
    assert not Parameters(store).has(ID)
    assert list((tmp_path / "damaged").glob(f"{ID}*"))


def test_another_runs_parameters_are_named_and_set_aside(tmp_path: Path) -> None:
    """As after a folder was copied or renamed: they are the other run's, whatever the folder is
    called."""
    said: list[str] = []
    store, other = Store(tmp_path, said.append), "ab" * 8
    recorded(store, other)
    folder = Parameters(store).save(ID, {}, kept())
    copy = shutil.copytree(folder, folder.with_name(other))
    assert Parameters(store).has(ID)
    assert not Parameters(store).has(other)
    assert len(said) == 1
    assert (
        f"{copy} cannot be trusted (they are of run {ID}; was the folder copied or renamed?);"
        " moved to" in said[0]
    )
    with pytest.raises(UserError, match="kept no parameters"):
        Parameters(store).load(other)


def test_missing_ones_say_the_command_that_keeps_them(tmp_path: Path) -> None:
    store = Store(tmp_path)
    recorded(store, ID, learning_rate=0.3, regularization="dropout=0.5")
    with pytest.raises(UserError, match="kept no parameters") as caught:
        Parameters(store).load(ID)
    command = str(caught.value).partition("python -m launch.train ")[2].split()
    settings = dict(word.removeprefix("--").split("=", 1) for word in command if "=" in word)
    assert settings.pop("records") == str(tmp_path)
    assert (
        planner().runs([settings])[0].id == run(learning_rate=0.3, regularization="dropout=0.5").id
    )


def test_a_run_is_found_by_the_beginning_of_its_id(tmp_path: Path) -> None:
    store, parameters = Store(tmp_path), Parameters(Store(tmp_path))
    recorded(store, "abc0" + "0" * 12)
    recorded(store, "abd1" + "1" * 12, regularization="early_stopping=2")
    assert parameters.resolve("abc") == ("abc0000000000000", "last")
    assert parameters.resolve("abd1") == (
        "abd1111111111111",
        "best",
    )  # that its record's metrics are of
    assert parameters.resolve("abd1:last") == ("abd1111111111111", "last")
    for text, says in {
        "ab": "the beginning of 2 runs; give the id of one: abc0000000000000, abd1",
        "abe1111111111111": "no record of a run 'abe1111111111111' in .*did you mean abd1",
        "abc:first": "expected RUN, RUN:best or RUN:last",
        "": "no record of a run ''",
    }.items():
        with pytest.raises(UserError, match=says):
            parameters.resolve(text)


def settle(
    store: Store, runs: list[PlannedRun], execution: Execution = KEEP, of: Planner | None = None
) -> Watcher:
    watcher = Watcher()
    ensure_records(runs, store, of or planner(), watcher, execution=execution)
    return watcher


def science(store: Store, run_id: str) -> str:
    record = store.read(run_id)
    assert record is not None
    return repr(dataclasses.replace(record, provenance={}))


def test_a_run_without_its_parameters_is_trained_again_as_it_was(tmp_path: Path) -> None:
    """At the width that its record says, though it is alone now: with the same record."""
    store, parameters = Store(tmp_path), Parameters(Store(tmp_path))
    runs = planner().runs([{**BASE, "seed": seed} for seed in range(3)])
    settle(store, runs, Execution())
    before = {r.id: science(store, r.id) for r in runs}
    record = store.read(runs[1].id)
    assert record is not None
    assert record.provenance["width"] == 3
    assert settle(store, runs[1:2]).trained == [runs[1].id]
    assert settle(store, runs[1:2]).trained == []
    assert science(store, runs[1].id) == before[runs[1].id]
    assert parameters.has(runs[1].id)
    assert settle(store, runs, Execution()).trained == []
    assert set(settle(store, runs).trained) == {runs[0].id, runs[2].id}
    assert {r.id: science(store, r.id) for r in runs} == before


def test_one_from_another_device_is_trained_again_with_a_warning(tmp_path: Path) -> None:
    store, (of,) = Store(tmp_path), planner().runs([BASE])
    settle(store, [of], Execution())
    record = store.read(of.id)
    assert record is not None
    store.write(dataclasses.replace(record, provenance={**record.provenance, "device": "abacus"}))
    assert "was trained on 1 x abacus" in settle(store, [of]).warnings[0]
    assert Parameters(store).has(of.id)


def test_diverged_runs_keep_theirs_too(tmp_path: Path) -> None:
    store, (lost,) = Store(tmp_path), planner().runs([{**BASE, "learning_rate": 1e30}])
    settle(store, [lost])
    assert Parameters(store).load(lost.id).epochs == {"best": 0, "last": 0}
    assert settle(store, [lost]).trained == []


def test_what_is_kept_is_what_the_training_came_to(tmp_path: Path) -> None:
    store, of = Store(tmp_path), run(regularization="early_stopping=2,batch_norm")
    settle(store, [of])
    saved = Parameters(store).load(of.id)
    with of.program.precision_context():
        (expected,) = train([of], 1)
    record = store.read(of.id)
    assert record is not None
    assert record.checksums == expected.checksums
    assert evaluated(of.config) == "best"
    assert jax.tree.leaves(saved.variables["best"].batch_stats)


def test_a_run_starts_from_another(tmp_path: Path) -> None:
    """With half of an id; it is found by the full one, and does not need the parameters once it is
    done."""
    store = Store(tmp_path)
    plans = Planner(lambda config: IMAGES, Parameters(store))
    (source,) = plans.runs([BASE])
    settle(store, [source])
    settings = {
        **BASE,
        "seed": 1,
        "init_from": source.id[:8],
        "freeze": "HiddenDense_0",
        "reset": "^Dense_0/",
    }
    (of,) = plans.runs([settings])
    assert of.config.init_from == f"{source.id}:last"
    assert settle(store, [of], of=plans).trained == [of.id]
    begun: Saved = Parameters(store).load(source.id)
    ended: Saved = Parameters(store).load(of.id)
    for name in ("HiddenDense_0", "HiddenDense_1", "Dense_0"):
        before, after = (saved.variables["last"].params[name] for saved in (begun, ended))
        same = all(
            np.array_equal(a, b)
            for a, b in zip(jax.tree.leaves(before), jax.tree.leaves(after), strict=True)
        )
        assert same == (name == "HiddenDense_0")
    for path in sorted(Parameters(store).path(source.id).rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    fresh = Planner(lambda config: IMAGES, Parameters(store))
    (again,) = fresh.runs([settings])
    assert again.id == of.id
    assert settle(store, [again], Execution(), fresh).trained == []
    with pytest.raises(UserError, match=rf"run {source.id} kept no parameters; train it again"):
        settle(store, fresh.runs([{**settings, "seed": 2}]), of=fresh)
