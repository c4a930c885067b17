"""Ensemble plan: from the config of an ensemble to the runs of its members."""

import dataclasses
from collections.abc import Callable, Sequence

from research import identity
from research.errors import UserError
from research.registry import ENSEMBLES
from research.run_config import FOLLOWING, Component, RunConfig
from research.sweeps.plan.run_plan import (
    PlannedEnsemble,
    PlannedRun,
    RequestedRun,
    UnfitRun,
    keeps_scores,
)
from research.training.setup import host

ALONE = Component("none")


def planned_ensemble(
    config: RunConfig, completed: RunConfig, plan: Callable[[RunConfig], RequestedRun]
) -> PlannedEnsemble | UnfitRun:
    """The ensemble of a config, or why the sizes of a member rule it out.

    Args:
        config: the config.
        completed: the config with what its data fills in.
        plan: the run of a member's config.

    Raises:
        UserError: a member cannot work, or its task has scores that cannot be kept.
    """
    chosen = config.ensemble
    entry = ENSEMBLES.get(chosen.name)
    # The split is that of the ensemble's seed, whatever the seeds of its members.
    alone = dataclasses.replace(config, ensemble=ALONE, split_seed=completed.split_seed)
    runs: list[RequestedRun] = []
    for member in entry.build(alone, **dict(chosen.options)):
        if entry.follow is not None and runs:
            member = entry.follow(member, tuple(run.id for run in runs))
        run = plan(member)
        _check_follows(chosen, member, run)
        runs.append(run)
    ids = [run.id for run in runs]
    for number, run_id in enumerate(ids):
        if run_id in ids[:number]:
            raise UserError(
                f"ensemble={chosen}: members {ids.index(run_id)} and {number} are the same run;"
                " give each other settings, or leave one out"
            )
    options = {name: str(value) for name, value in chosen.options}
    ensemble_id = identity.digest([chosen.name, entry.version, options, ids])
    members: list[PlannedRun] = []
    for run in runs:
        if isinstance(run, UnfitRun):
            return UnfitRun(ensemble_id, completed, run.reason)
        assert isinstance(run, PlannedRun)
        if not keeps_scores(run):
            raise UserError(
                f"ensemble={chosen} combines the scores of one target per example, and"
                f" {run.program.spec.name} (task={run.config.task}) has none or several; leave it"
                " out"
            )
        _check_rows(chosen, run, completed, members)
        members.append(run)
    # A seed that follows the run's stays unset: each member has its own.
    following = {name: getattr(config, name) for name in FOLLOWING}
    completed = dataclasses.replace(completed, **following)
    return PlannedEnsemble(ensemble_id, completed, tuple(members))


def _check_follows(chosen: Component, member: RunConfig, run: RequestedRun) -> None:
    """Raises UserError if a member that follows another is fitted on the host."""
    follows = member.boost != "none" or member.after or member.init_from
    if follows and host.is_fitted(run.config):
        raise UserError(
            f"ensemble={chosen} trains members one after another, and arch={run.config.arch.name}"
            " is fitted on the host; take a network"
        )


def _check_rows(
    chosen: Component, run: PlannedRun, completed: RunConfig, members: Sequence[PlannedRun]
) -> None:
    """Raises UserError for a member of other data, or of another split than the ensemble has."""
    for name in ("split", "fold", "split_seed"):
        ours, theirs = getattr(completed, name), getattr(run.config, name)
        if ours != theirs:
            raise UserError(
                f"ensemble={chosen}: member {len(members)} has {name}={theirs}, and the ensemble"
                f" has {ours}; members predict the same rows, so set {name} beside the ensemble"
            )
    first = members[0].program.spec if members else run.program.spec
    spec = run.program.spec
    if spec.fingerprint != first.fingerprint:
        raise UserError(
            f"ensemble={chosen}: member {len(members)} is trained on {spec.name}, and member 0 on"
            f" {first.name}; members must have the same data"
        )
