"""What differs between the seeds of a table: initialisation, order, noise, split."""

import functools
from collections.abc import Iterable, Mapping

from research.run_config import SEEDS

# These data sets are windows of one sequence, which every seed cuts at the same places.
WINDOW_TASKS = ("language_model", "forecast")
# Architectures that draw nothing before the first step, whatever their options.
FIXED_START = ("ngram", "point")
SPLIT = "the split into training, validation and test rows"

Config = Mapping[str, str]


def variation(configs: Iterable[Config]) -> str:
    """The sentences on what differs from seed to seed. configs: of every run."""
    known = list(configs)
    fixed = [_starts_alike(config) for config in known]
    drawn = {"order": "the order of the data", "noise": "the noise"}
    varies = [what for source, what in drawn.items() if not _apart(known, source)]
    notes = [
        f"The seed of {what} is {seeds}."
        for source, what in ({"init": "the initialisation"} | drawn).items()
        if (seeds := _apart(known, source))
    ]
    if not (fixed and all(fixed)) and not _apart(known, "init"):
        varies.insert(0, "the initialisation")
    if any(fixed):
        alike = {config.get("arch", "") for config, same in zip(known, fixed, strict=True) if same}
        notes.append(f"{', '.join(sorted(alike))}: every seed starts from the same parameters.")
    split, note = _split(known)
    varies += split
    notes += note
    listed = " and ".join(filter(None, [", ".join(varies[:-1]), *varies[-1:]]))
    return " ".join([*([f"Seeds differ in {listed}."] if listed else []), *notes])


def _apart(configs: list[Config], source: str) -> str:
    """The one seed that a source of randomness has in all runs, whatever their seed; else ""."""
    seeds = {config.get(SEEDS[source], config.get("seed", "")) for config in configs}
    runs = {config.get("seed") for config in configs}
    # Of runs with one seed, it is apart if it is another.
    apart = len(seeds) == 1 and (len(runs) > 1 or seeds != runs)
    return seeds.pop() if apart else ""


def _starts_alike(config: Config) -> bool:
    """Whether the run starts from parameters that no seed draws."""
    initializers = [config[path] for path in _initializers(tuple(config))]
    return initializers == ["zeros"] or config.get("arch") in FIXED_START


# Runs of a sweep have few sets of paths, and a large one's are asked for once per run.
@functools.lru_cache(maxsize=64)
def _initializers(paths: tuple[str, ...]) -> list[str]:
    """The paths of the architecture's initializers."""
    return [path for path in paths if path.startswith("arch.") and path.endswith("_init")]


def _split(configs: list[Config]) -> tuple[list[str], list[str]]:
    """(what of the split varies, sentences on what does not)."""
    windows = [config for config in configs if config.get("task") in WINDOW_TASKS]
    if configs and len(windows) == len(configs):
        drawn = any(config.get("train_size", "none") != "none" for config in windows)
        same = "Every seed cuts the sequence into the same training, validation and test parts."
        varies = _follows(windows) and drawn
        return (["which training windows are drawn"] if varies else []), [same]
    splits = {config.get("split_seed") for config in configs}
    if None in splits or not splits:
        return [], []
    if splits == {"none"}:
        return [f"for data without test rows of its own, {SPLIT}"], []
    if _follows(configs):
        return [SPLIT], []
    if len(splits) == 1:
        return [], [f"The split is the same for all (split seed {splits.pop()})."]
    return [f"where its seed follows, {SPLIT}"], []


def _follows(configs: list[Config]) -> bool:
    return all(config.get("split_seed") == config.get("seed") for config in configs)
