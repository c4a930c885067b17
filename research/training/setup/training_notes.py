"""Training notes: which rows of its data a program's training does not read or evaluate."""

from research.data import split, stretches
from research.data.splitters.division import division
from research.training.setup.program import Program


def notes(program: Program) -> list[str]:
    """What is good to know of a program's training before it begins."""
    return [*_never_read(program), *_never_evaluated(program), *_outside_the_folds(program)]


def _never_read(program: Program) -> list[str]:
    sizes = program.sizes
    # Of uneven folds, in the largest: `sizes.real` is of the smallest.
    read = min(sizes.train, sizes.steps_per_epoch * sizes.batch)
    if program.config.reshuffle_each_epoch or read == sizes.train:
        return []
    return [
        f"reshuffle_each_epoch=false reads the same {read} of the {sizes.train} training rows"
        f" in every epoch: the other {sizes.train - read} fill no batch of {sizes.batch};"
        " --remainder=pad reads them too"
    ]


def _outside_the_folds(program: Program) -> list[str]:
    spec, config = program.spec, program.config
    if not spec.test_size or division(config.split).folds(spec) == 1:
        return []
    return [
        f"{spec.name}: its own {spec.test_size:,} test rows stay out of the folds of"
        f" split={config.split}, which divides the other rows; predictions for them are averaged"
        " over the folds"
    ]


def _never_evaluated(program: Program) -> list[str]:
    spec = program.spec
    if not spec.windows:
        return []
    left = stretches.left_out(spec, split.parse_split(program.config.split.name))
    end = "ends of the {} parts" if len(stretches.lengths(spec)) > 1 else "end of the {} part"
    parts = " and ".join(f"{count} at the {end.format(name)}" for name, count in left.items())
    return [
        f"{spec.name}: values that fill no window of context={spec.inputs.shape[0]} are not"
        f" evaluated: {parts}"
    ] * bool(left)
