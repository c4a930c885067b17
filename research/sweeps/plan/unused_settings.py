"""Unused settings: what to say of a setting that no run of a sweep, or of a table's row, has."""

from collections.abc import Collection, Sequence

from research import config as config_lib
from research.config import RunConfig
from research.errors import UserError, nearest
from research.run_config import FITTED_SETTINGS
from research.sweeps.plan.run_plan import RequestedRun
from research.training.setup import host


def refuse_unused(rows: Collection[tuple[Sequence[RequestedRun], frozenset[str]]]) -> None:
    """Raises UserError for a setting that a row does not use. A row that is fitted on the host may
    have those of the networks beside it.

    Args:
        rows: the runs of each row, and the settings that none of them uses.
    """
    configs = [[run.config for run in runs] for runs, _ in rows]
    unused = [of_row for _, of_row in rows]
    if not any(unused):
        return
    firsts = [of_row[0] for of_row in configs if of_row]
    trained = [config for config in firsts if not host.is_fitted(config)]
    of_networks = frozenset[str]().union(*map(host.training_settings, trained))
    for of_row, settings in zip(configs, unused, strict=True):
        allowed = of_networks if all(map(host.is_fitted, of_row)) else frozenset[str]()
        for setting in sorted(settings - allowed):
            raise UserError(unused_message(setting, of_row))


def unused_message(setting: str, configs: Sequence[RunConfig]) -> str:
    """What to say of a setting that no run uses: no chosen part has it, or all are fitted on the
    host."""
    head, _, tail = setting.partition(".")
    if head not in FITTED_SETTINGS and all(map(host.is_fitted, configs)):
        names = sorted({config.arch.name for config in configs})
        return (
            f"--{setting} does not apply to arch={' or '.join(names)}, which is fitted on the host;"
            " leave it out"
        )
    if head == "learning_rate" or any(config.players for config in configs):
        return f"--{setting} is not used: {_players(head, configs)}"
    registry = config_lib.PARTS[head]
    chosen = sorted({getattr(config, head).name for config in configs})
    # An axis may choose an entry that has the option, where a condition does not set it.
    names = [name for name in chosen if registry.get(name).option(tail) is None]
    options = {o.name for name in names for o in registry.get(name).options}
    owners = [
        entry.name for entry in (*registry, *registry.examples()) if entry.option(tail) is not None
    ]
    known = nearest(tail, options) if options else "it has no options"
    whose = f" ({', '.join(owners[:4])} have it)" if owners and registry is not None else ""
    return (
        f"--{setting} is not used: {registry.kind} {' or '.join(names)} has no option '{tail}';"
        f" {known}{whose}"
    )


def _players(head: str, configs: Sequence[RunConfig]) -> str:
    """Who there is to have a setting of its own."""
    lines = {}
    for config in configs:
        names = [player.name for player in config.players]
        players = f"the players {' and '.join(names)}" if names else "one player"
        flags = " or ".join(f"--{head}.{name}" for name in names) or f"--{head}"
        lines[config.objective.name] = f"has {players}; write {flags}"
    return "; ".join(f"objective={name} {line}" for name, line in lines.items())
