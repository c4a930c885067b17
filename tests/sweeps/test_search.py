"""The search and its journal: rounds, what an interruption changes (nothing), and what is
refused."""

import math
from pathlib import Path

import pytest
from optuna.trial import TrialState

from research.errors import UserError
from research.sweeps.declare import sweep_axes as axes_lib
from research.sweeps.declare.sweep_axes import Point
from research.sweeps.records.store import Store
from research.sweeps.tuning.journal import journal, path_of
from research.sweeps.tuning.search import Result, search, tell
from research.sweeps.tuning.space import suggested
from research.sweeps.tuning.study import study
from research.sweeps.tuning.trial_samplers import sampler

SPACE = axes_lib.sampled(
    [
        "learning_rate=log(1e-4,1)",
        "optimizer=sgd|adam",
        "optimizer.momentum=uniform(0,0.99) if optimizer=sgd",
    ]
)
TRIALS, PARALLEL = 20, 5


class Killed(BaseException):
    """As SIGKILL ends a process, as far as the journal can tell."""


def value(point: Point) -> float:
    return abs(math.log10(float(point["learning_rate"])) + 2) + float(
        point.get("optimizer.momentum", 0.5)
    )


def searched(
    store: Store, ends: int | None = None, line: bool = False, name: str = "tpe"
) -> list[dict[str, object]]:
    """The trials of a search, which is killed after so many evaluations, or in the middle of a line
    of its journal."""
    left = ends

    def evaluate(points: list[Point]) -> list[Result]:
        nonlocal left
        for _ in points:
            if left is not None:
                left -= 1
                if left < 0:
                    raise Killed
        return [Result(value(point)) for point in points]

    with journal(store, "search") as storage:
        if line:
            kill_in_line(storage, ends or 0)
            left = None
        found = study(storage, "search", "lower", {"seed": 1}, sampler(name, SPACE, 1))
        search(found, SPACE, TRIALS, PARALLEL, evaluate)
        return [{"value": trial.value, **trial.params} for trial in found.trials]


def kill_in_line(storage: object, number: int) -> None:
    """The write of that line, from now on, is cut off in its middle."""
    backend = storage._backend  # type: ignore[attr-defined]
    original, written = backend.append_logs, [0]

    def append(logs: list[dict[str, object]]) -> None:
        if written[0] == number:
            with open(backend._file_path, "ab") as file:
                file.write(b'{"op_code":5,"worker_id":"a')
            raise Killed
        written[0] += 1
        original(logs)

    backend.append_logs = append


@pytest.mark.parametrize("name", ["tpe", "random"])
def test_an_interrupted_search_asks_for_the_same_trials(tmp_path: Path, name: str) -> None:
    whole = searched(Store(tmp_path / "whole"), name=name)
    assert len(whole) == TRIALS
    store = Store(tmp_path / "killed")
    for ends in (3, 0, 7):
        with pytest.raises(Killed):
            searched(store, ends, name=name)
    for number in (
        0,
        1,
        2,
        6,
        9,
        17,
    ):  # among them lines of a trial's beginning, of its values and of its result
        with pytest.raises(Killed):
            searched(store, number, line=True, name=name)
    assert searched(store, name=name) == whole
    assert searched(store, 0, name=name) == whole  # nothing is evaluated again


def test_a_round_knows_the_rounds_before_it_alone() -> None:
    rounds: list[int] = []
    found = study(None, "rounds", "lower", {}, sampler("tpe", SPACE, 0))

    def evaluate(points: list[Point]) -> list[Result]:
        done = [trial for trial in found.trials if trial.state.is_finished()]
        rounds.append(len(done))
        return [Result(value(point)) for point in points]

    search(found, SPACE, 12, PARALLEL, evaluate)
    assert rounds == [0, 5, 10]
    search(found, SPACE, 15, PARALLEL, evaluate)  # a bigger budget completes the last round
    assert rounds == [0, 5, 10, 12]
    assert len(found.trials) == 15


def test_what_has_no_value_is_told_as_such() -> None:
    results = [
        Result(1.0, run="a"),
        Result(math.nan, "diverged", "b"),
        Result(None, "refused", note="too large"),
    ]
    found = study(None, "outcomes", "higher", {}, sampler("random", SPACE, 0))
    search(found, SPACE, 3, 3, lambda points: results)
    good, lost, refused = found.trials
    assert (good.value, good.user_attrs) == (1.0, {"run": "a"})
    assert (lost.value, lost.user_attrs) == (-math.inf, {"run": "b", "outcome": "diverged"})
    assert refused.state == TrialState.FAIL
    assert refused.user_attrs["note"] == "too large"
    assert found.best_trial.number == 0


def test_tpe_keeps_away_from_what_diverged_where_all_others_are_pruned() -> None:
    """Optuna ranks finished trials, whatever their value, before pruned ones."""
    axes = axes_lib.sampled(["learning_rate=log(1e-4,1e4)"])
    found, lost = study(None, "pruned", "lower", {}, sampler("tpe", axes, 0)), []
    for _ in range(40):
        trial = found.ask()
        rate = float(suggested(trial, axes)["learning_rate"])
        lost.append(rate > 1)
        if rate > 1:
            tell(found, trial, Result(math.nan, "diverged"))
        else:
            trial.report(value({"learning_rate": str(rate)}), 1)
            found.tell(trial, state=TrialState.PRUNED)
    assert sum(lost[:10]) >= 3
    assert sum(lost[20:]) <= 2


def test_a_name_of_another_definition_is_refused(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for _ in range(2):
        with journal(store, "a") as storage:
            study(storage, "a", "lower", {"settings": {"epochs": "1"}}, sampler("random", SPACE, 0))
    with (
        journal(store, "a") as storage,
        pytest.raises(
            UserError,
            match=r"'a' is a tuning of something else: settings was epochs=1 and is epochs=3",
        ),
    ):
        study(storage, "a", "lower", {"settings": {"epochs": "3"}}, sampler("random", SPACE, 0))


def test_a_journal_is_one_process_s(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with (
        journal(store, "a"),
        pytest.raises(UserError, match=r"'a' is being tuned by .* \(pid \d+\)"),
        journal(store, "a"),
    ):
        pass
    with journal(store, "a"):
        pass


@pytest.mark.parametrize(
    "line",
    [
        b'{"op_code": 99, "worker_id": "x"}',
        b"[]",
        b"\0\0\0\0",
        b"null",
        b"3",
        b'{"worker_id": "x"}',
        b'{"op_code": 4, "worker_id": "x"}',
        b"\xff\xfe",
    ],
)
@pytest.mark.parametrize("last", [False, True])
def test_a_line_that_is_not_optunas_is_named(tmp_path: Path, line: bytes, last: bool) -> None:
    """As from a later version, from a machine that lost its power, or by hand."""
    store = Store(tmp_path)
    with journal(store, "a") as storage:
        study(storage, "a", "lower", {}, sampler("random", SPACE, 0))
    before = path_of(store, "a").read_bytes().splitlines(keepends=True)
    place = len(before) if last else 1
    path_of(store, "a").write_bytes(b"".join([*before[:place], line + b"\n", *before[place:]]))
    damaged = pytest.raises(
        UserError, match=r"a\.journal is damaged \((line \d: |KeyError: ).*move it away"
    )
    with damaged as caught, journal(store, "a"):
        pass
    assert "\n" not in str(caught.value)
    assert "\0" not in str(caught.value)


def test_a_damaged_journal_is_named(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with journal(store, "a") as storage:
        study(storage, "a", "lower", {}, sampler("random", SPACE, 0))
    path = path_of(store, "a")
    path.write_bytes(b"{nonsense\n" + path.read_bytes())
    with pytest.raises(UserError, match=r"a\.journal is damaged"), journal(store, "a"):
        pass
