"""What is asked for: settings and axes as a sweep, and a sweep as its runs."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from research import config as config_lib
from research.config import OPTIONS
from research.errors import UserError
from research.sweeps.declare import sweep_axes as axes_lib
from research.sweeps.declare.sweep_spec import SweepSpec
from research.sweeps.plan.run_plan import (
    RequestedRun,
    check_comparable,
    same,
    unfit_notes,
    with_seeds,
)
from research.sweeps.plan.run_planner import Planner


@dataclasses.dataclass(frozen=True)
class Axes:
    """The axes of a sweep, each as the flag of that name takes it; samples: points drawn from the
    axes of `sample`."""

    grid: Sequence[str] = ()
    zip: Sequence[str] = ()
    sample: Sequence[str] = ()
    samples: int = 0
    sample_seed: int = 0


def asked(
    settings: Mapping[str, Any],
    axes: Axes,
    seeds: int,
    plugins: Sequence[str],
    note: Callable[[str], None],
) -> SweepSpec:
    """The sweep of these settings: every point of the axes, with each of the seeds.

    Args:
        settings: the settings of every run; seeds count from the seed among them.
        axes: what varies.
        seeds: runs per point.
        plugins: files that the runs need.
        note: receives what is good to know.

    Raises:
        UserError: an axis is malformed, or a setting is given in two places.
    """
    paths, points = axes_lib.points(
        axes.grid, axes.zip, axes.sample, axes.samples, axes.sample_seed
    )
    for path in paths:
        if path in settings:
            raise UserError(f"--{path} is given, and an axis sets it too; leave one of them out")
    refuse_written(paths, settings)
    drawn = [axes_lib.parse(text, "sample").path for text in axes.sample]
    twice = axes_lib.repeats(points, settings, drawn)
    if twice and drawn:
        note(
            f"note: {twice} of the {len(points)} points repeat an earlier one; each is trained once"
        )
    base = {path: value for path, value in settings.items() if path != "seed"}
    first = OPTIONS["seed"].parse(settings.get("seed", 0), "seed")
    if "seed" in paths and seeds > 1:
        raise UserError("an axis sets seed, and so does --seeds; leave one of them out")
    requests: list[dict[str, Any]] = []
    for point in points:
        request = {**base, **point}
        requests += (
            [request]
            if "seed" in paths
            else [dict(s) for s in with_seeds(request, range(first, first + seeds))]
        )
    return SweepSpec(requests, paths, list(plugins))


def refuse_written(paths: Sequence[str], settings: Mapping[str, str]) -> None:
    """Raises UserError if what one of the paths sets stands in the text of a part already."""
    there = config_lib.inline_options(settings)
    for path in paths:
        if config_lib.canonical_path(path) in there:
            head = path.partition(".")[0]
            raise UserError(f"--{head}={settings[head]} sets {path} already; leave one of them out")


def planned(
    sweep: SweepSpec, planner: Planner, say: Callable[[str], None]
) -> tuple[SweepSpec, list[RequestedRun], list[str]]:
    """The sweep with a request per fold, its runs, and the notes of its table.

    Args:
        sweep: what is asked for.
        planner: plans the runs.
        say: receives which rows are the same runs, and which cannot be trained.

    Raises:
        UserError: the runs cannot be compared, or none of them can be trained.
    """
    requests = [
        dict(request) for request in planner.each_fold(planner.each_feature(sweep.requests))
    ]
    sweep = dataclasses.replace(sweep, requests=requests)
    runs = planner.plan(sweep.requests)
    arms = [(sweep.arm(request), run) for request, run in zip(sweep.requests, runs, strict=True)]
    unfit = unfit_notes(arms)
    check_comparable(runs)
    repeated = same(arms)
    for note in (*unfit, *repeated):
        say(f"note: {note}")
    return sweep, runs, [*planner.notes(runs), *repeated]
