"""What differs between the seeds of a table: initialisation, order, noise, split."""

from collections.abc import Iterable, Mapping

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
    varies = ["the order of the data", "the noise"]
    notes = []
    if not fixed or not all(fixed):
        varies.insert(0, "the initialisation")
    if any(fixed):
        alike = {config.get("arch", "") for config, same in zip(known, fixed, strict=True) if same}
        notes.append(f"{', '.join(sorted(alike))}: every seed starts from the same parameters.")
    split, note = _split(known)
    varies += split
    notes += note
    *others, last = varies
    return " ".join([f"Across seeds vary {', '.join(others)} and {last}.", *notes])


def _starts_alike(config: Config) -> bool:
    """Whether the run starts from parameters that no seed draws."""
    initializers = [
        value
        for path, value in config.items()
        if path.startswith("arch.") and path.endswith("_init")
    ]
    return initializers == ["zeros"] or config.get("arch") in FIXED_START


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
