"""What people mean by a flag that does not exist: `--lr=0.1` means `--learning_rate=0.1`."""

from collections.abc import Collection, Mapping

from research.config import PARTS
from research.errors import close
from research.registry import REGULARIZERS
from research.synonyms import every_synonym, synonym

# What flags of other programs do is done otherwise here.
_OTHERWISE = {
    ("device", "gpu", "cuda", "use_gpu", "cpu", "no_cuda"): (
        "JAX_PLATFORMS=cpu or cuda chooses the kind of device; --devices=N how many train a run"
    ),
    ("val_split", "valid_split", "train_split", "test_split", "test_size", "validation_split"): (
        "--split=8:1:1 gives the shares of training, validation and test rows"
    ),
}
# By the name here.
_REGULARIZERS = {
    "weight_decay": ("wd", "decay"),
    "l2": ("l2_reg", "l2_penalty", "weight_penalty"),
    "l1": ("l1_reg", "l1_penalty"),
    "clip_norm": (
        "grad_clip",
        "clip",
        "gradient_clip",
        "max_grad_norm",
        "clip_grad_norm",
        "gradient_clip_val",
    ),
    "dropout": ("drop", "dropout_rate", "drop_rate", "p_dropout"),
    "label_smoothing": ("smoothing", "label_smooth"),
    "early_stopping": ("patience", "early_stop", "early_stopping_patience"),
    "batch_norm": ("batchnorm", "bn"),
    "mixup": ("mixup_alpha",),
    "ema": ("ema_decay",),
}


def otherwise(name: str) -> str:
    """How that is done which `--name` does in other programs; "" if there is no such thing."""
    name = name.replace("-", "_").lower()
    return next((text for names, text in _OTHERWISE.items() if name in names), "")


def meant(name: str, value: str | None, given: Mapping[str, str], known: Collection[str]) -> str:
    """The flags to write in place of `--name=value`, ready to paste, or "" if that is unclear.

    Args:
        name: the unknown flag.
        value: the text behind the equals sign; None: there is none.
        given: the other settings of the command line.
        known: the flags that the program has.
    """
    name = name.replace("-", "_").lower()
    head, dot, tail = name.partition(".")
    heads = {flag.partition(".")[0] for flag in known}
    if flag := next((flag for flag in every_synonym(head) if flag.partition(".")[0] in heads), ""):
        name = f"{flag}{dot}{tail}"
    if name in known:
        return f"--{name}{_equals(value)}"
    if "regularization" in known and (
        member := synonym(name, _REGULARIZERS) or (name in REGULARIZERS and name)
    ):
        text = (
            member if value is None or not REGULARIZERS.get(member).options else f"{member}={value}"
        )
        before = given.get("regularization", "none")
        return f"--regularization={text if before == 'none' else f'{before},{text}'}"
    if name.startswith("no_") and name.removeprefix("no_") in known:
        return f"--no{name.removeprefix('no_')} or --{name.removeprefix('no_')}=false"
    nested = [f"{part}.{name}" for part in PARTS if f"{part}.{name}" in known]
    if nested:
        return " or ".join(f"--{path}{_equals(value)}" for path in _of_chosen(nested, name, given))
    alike = [flag for flag in known if ("." in flag) == ("." in name)]
    longer = [flag for flag in alike if len(name) > 2 and flag.startswith(name)]
    return " or ".join(f"--{flag}{_equals(value)}" for flag in longer or close(name, alike))


def _equals(value: str | None) -> str:
    return "" if value is None else f"={value}"


def _of_chosen(paths: list[str], option: str, given: Mapping[str, str]) -> list[str]:
    """Those of the paths whose part, as the command line chooses it, has the option; all where none
    has."""
    fitting = []
    for path in paths:
        part = path.partition(".")[0]
        chosen = given.get(part, "")
        if chosen in PARTS[part] and PARTS[part].get(chosen).option(option) is not None:
            fitting.append(path)
    return fitting or paths
