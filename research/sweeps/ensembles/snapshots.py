"""Snapshots: the parameters of one training at the end of each cycle of its learning rate."""

import dataclasses

from research.components import component
from research.errors import UserError
from research.registry import ENSEMBLES, SCHEDULES, Ensemble
from research.run_config import FIELDS, RunConfig
from research.sweeps.ensembles.member_seeds import Members, reseeded


def snapshot(config: RunConfig, members: Members = 5) -> list[RunConfig]:
    """One training in several cycles of a cosine schedule; the end of each is a member.

    A cycle goes on from the parameters of the one before it, with a new state of the optimizer, so
    all members together cost one training.

    Args:
        config: of one run, with the epochs of all cycles.
        members: how many cycles.

    Example:
        >>> from research.config import resolve
        >>> config, _ = resolve({"epochs": 10})
        >>> [(run.schedule.name, run.epochs) for run in snapshot(config, members=2)]
        [('cosine', 5), ('cosine', 5)]

    Reference: Huang et al., Snapshot ensembles: train 1, get M for free, ICLR 2017.

    Raises:
        UserError: another schedule, a run that starts from another, or epochs that do not divide
            into so many cycles.
    """
    if config.init_from is not None:
        raise UserError("snapshot starts each cycle from the one before; leave init_from out")
    schedule = config.schedule
    default, _ = component("schedule", SCHEDULES, FIELDS["schedule"].default, {})
    if schedule == default:
        schedule, _ = component("schedule", SCHEDULES, "cosine", {})
    if schedule.name != "cosine":
        raise UserError(
            f"snapshot has a cosine schedule in each cycle; leave schedule={schedule.name} out"
        )
    if config.epochs % members:
        raise UserError(
            f"epochs={config.epochs} does not divide into the {members} cycles of snapshot; use"
            f" {config.epochs - config.epochs % members + members}"
        )
    cycle = dataclasses.replace(config, schedule=schedule, epochs=config.epochs // members)
    return [reseeded(cycle, number) for number in range(members)]


def from_the_last(config: RunConfig, earlier: tuple[str, ...]) -> RunConfig:
    """The config of a cycle that goes on from the one before it.

    Args:
        config: of the cycle.
        earlier: the ids of the cycles before it.
    """
    return dataclasses.replace(config, init_from=f"{earlier[-1]}:last")


ENSEMBLES.add(
    Ensemble(
        "snapshot",
        snapshot,
        "one training in cycles of a cosine schedule; the end of each is a member",
        "Huang et al. 2017, Snapshot ensembles: train 1, get M for free",
        follow=from_the_last,
        test_options={"members": 2},
    )
)
