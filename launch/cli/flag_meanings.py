"""What people mean by a flag that does not exist: `--lr=0.1` means `--learning_rate=0.1`."""

from collections.abc import Collection, Mapping

from research.config import PARTS
from research.errors import close
from research.registry import REGULARIZERS

# Names from other programs, and the flag that does the same here.
_SYNONYMS = {
    "learning_rate": ("lr", "alpha", "eta", "step_size", "base_lr", "initial_lr"),
    "batch_size": (
        "bs",
        "batch",
        "batchsize",
        "mini_batch",
        "minibatch",
        "minibatch_size",
        "train_batch_size",
    ),
    "epochs": ("epoch", "n_epochs", "num_epochs", "max_epochs", "nepochs", "iterations", "n_iter"),
    "arch": ("model", "net", "network", "architecture", "backbone", "model_name"),
    "dataset": ("data", "ds", "dataset_name", "dataset_path", "data_path"),
    "optimizer": ("opt", "optim", "optimiser", "solver"),
    "schedule": ("scheduler", "lr_scheduler", "lr_schedule", "sched"),
    "regularization": ("reg", "regularizer", "regularizers", "regularisation"),
    "normalization": ("norm", "normalisation"),
    "loss": ("criterion", "objective", "loss_fn", "loss_function"),
    "seed": ("random_seed", "random_state", "rng_seed", "manual_seed"),
    "train_size": ("n_train", "num_train", "max_train_samples", "subset"),
    "split": ("train_split", "val_split", "test_split", "test_size"),
    "scaling": ("scaler", "standardize", "preprocessing"),
    "precision": ("dtype", "amp", "fp16", "bf16", "mixed_precision"),
    "accumulate": ("grad_accum", "accumulation_steps", "gradient_accumulation_steps"),
    "init_from": ("pretrained", "checkpoint", "ckpt", "load", "weights", "finetune_from"),
    "records": ("output_dir", "out_dir", "outdir", "log_dir", "logdir", "save_dir", "results"),
    "devices": ("gpus", "num_gpus", "n_gpus", "ngpu", "device"),
    "checkpoint_every": ("save_every", "save_steps", "save_interval", "checkpoint_interval"),
    "grid": ("sweep", "axis", "param_grid"),
    "trials": ("n_trials", "num_trials"),
    "seeds": ("n_seeds", "num_seeds", "repeats", "runs"),
    "arch.hidden": ("hidden_size", "hidden_dim", "hidden_units", "hidden_sizes", "layers", "units"),
    "optimizer.b1": ("beta1",),
    "optimizer.b2": ("beta2",),
    "optimizer.eps": ("epsilon",),
}
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


def meant(name: str, value: str | None, given: Mapping[str, str], known: Collection[str]) -> str:
    """The flags to write in place of `--name=value`, ready to paste, or "" if nobody can tell.

    value: the text behind the equals sign, None where there is none. given: the other settings of
        the command line.
    known: the flags that the program has.
    """
    name = name.replace("-", "_").lower()
    head, dot, tail = name.partition(".")
    if flag := _synonym(head, _SYNONYMS):
        name = f"{flag}{dot}{tail}"
    if name in known:
        return f"--{name}{_equals(value)}"
    if "regularization" in known and (
        member := _synonym(name, _REGULARIZERS) or (name in REGULARIZERS and name)
    ):
        text = (
            member if value is None or not REGULARIZERS.get(member).options else f"{member}={value}"
        )
        before = given.get("regularization", "none")
        return f"--regularization={text if before == 'none' else f'{before},{text}'}"
    nested = [f"{part}.{name}" for part in PARTS if f"{part}.{name}" in known]
    if nested:
        return " or ".join(f"--{path}{_equals(value)}" for path in _of_chosen(nested, name, given))
    alike = [flag for flag in known if ("." in flag) == ("." in name)]
    return " or ".join(f"--{flag}{_equals(value)}" for flag in close(name, alike))


def _synonym(name: str, synonyms: Mapping[str, tuple[str, ...]]) -> str:
    return next((flag for flag, names in synonyms.items() if name in names), "")


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
