"""Names that settings have in other programs: `lr` is `learning_rate` here."""

from collections.abc import Mapping

# By the name here.
SYNONYMS = {
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
    "scaling": ("scaler", "standardize", "preprocessing"),
    "precision": ("dtype", "amp", "fp16", "bf16", "mixed_precision"),
    "accumulate": ("grad_accum", "accumulation_steps", "gradient_accumulation_steps"),
    "init_from": ("pretrained", "checkpoint", "ckpt", "load", "weights", "finetune_from"),
    "out": ("output", "output_file", "outfile"),
    "records": (
        "output_dir",
        "out_dir",
        "outdir",
        "log_dir",
        "logdir",
        "save_dir",
        "results",
    ),
    "devices": ("gpus", "num_gpus", "n_gpus", "ngpu", "n_devices"),
    "checkpoint_every": ("save_every", "save_steps", "save_interval", "checkpoint_interval"),
    "grid": ("sweep", "axis", "param_grid"),
    "trials": ("n_trials", "num_trials"),
    "seeds": ("n_seeds", "num_seeds", "repeats", "runs"),
    "arch.hidden": ("hidden_size", "hidden_dim", "hidden_units", "hidden_sizes", "layers", "units"),
    "arch.layers": ("num_layers", "n_layers"),
    "reshuffle_each_epoch": ("shuffle", "reshuffle"),
    "keep_params": ("save", "save_model", "save_params", "save_weights"),
    "data_workers": ("num_workers", "n_workers"),
    "where": ("filter", "query", "select"),
    "run": ("id", "run_id", "runs"),
    "delete": ("remove", "rm"),
    "to": ("format", "backend"),
    "keep_predictions": ("save_predictions",),
    "optimizer.b1": ("beta1",),
    "optimizer.b2": ("beta2",),
    "optimizer.eps": ("epsilon",),
}


def synonym(name: str, synonyms: Mapping[str, tuple[str, ...]] = SYNONYMS) -> str:
    """The name here of what other programs call `name`; "" if there is none.

    >>> synonym("lr")
    'learning_rate'
    """
    return next(iter(every_synonym(name, synonyms)), "")


def every_synonym(name: str, synonyms: Mapping[str, tuple[str, ...]] = SYNONYMS) -> list[str]:
    """All names here of what other programs call `name`.

    >>> every_synonym("runs")
    ['seeds', 'run']
    """
    return [here for here, names in synonyms.items() if name in names]
