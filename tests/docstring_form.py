"""The form of docstrings: `Args:` names each parameter of a function that has three or more."""

import ast
import functools
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

from research import registry
from research.registry import Registry

FROM = 3

# Files that do not keep the rule yet: nothing is added, and a file leaves with its last breach.
EXCUSED: frozenset[str] = frozenset(
    [
        "research/analysis/arms_table.py",
        "research/analysis/attention_figure.py",
        "research/analysis/axes.py",
        "research/analysis/captions.py",
        "research/analysis/choice_table.py",
        "research/analysis/column_layout.py",
        "research/analysis/comparing.py",
        "research/analysis/figure_style.py",
        "research/analysis/figures.py",
        "research/analysis/layout.py",
        "research/analysis/line_plots.py",
        "research/analysis/listing.py",
        "research/analysis/render.py",
        "research/analysis/runs_table.py",
        "research/analysis/sensitivity.py",
        "research/analysis/table_builder.py",
        "research/analysis/table_report.py",
        "research/analysis/trials.py",
        "research/analysis/trials_table.py",
        "research/api/workspace.py",
        "research/contract.py",
        "research/data/adapted.py",
        "research/data/array_cache.py",
        "research/data/arrays.py",
        "research/data/builder.py",
        "research/data/csv_columns.py",
        "research/data/csv_file.py",
        "research/data/csv_header.py",
        "research/data/csv_refused.py",
        "research/data/csv_series.py",
        "research/data/csv_target.py",
        "research/data/csv_time.py",
        "research/data/csv_values.py",
        "research/data/feature_decoders.py",
        "research/data/generated.py",
        "research/data/image_folder.py",
        "research/data/images.py",
        "research/data/in_memory.py",
        "research/data/labels.py",
        "research/data/narrowed.py",
        "research/data/planar.py",
        "research/data/progress_bar.py",
        "research/data/repeats.py",
        "research/data/scaling.py",
        "research/data/sentinels.py",
        "research/data/series.py",
        "research/data/shapes.py",
        "research/data/source.py",
        "research/data/spec.py",
        "research/data/split.py",
        "research/data/stream.py",
        "research/data/strings.py",
        "research/data/table.py",
        "research/data/text.py",
        "research/kernels.py",
        "research/models/gru.py",
        "research/models/layers/dense.py",
        "research/models/layers/patches.py",
        "research/models/layers/pooling.py",
        "research/models/layers/recurrence.py",
        "research/models/layers/sites.py",
        "research/models/layers/transformer_config.py",
        "research/models/layers/upsampling.py",
        "research/models/lstm.py",
        "research/models/resnet.py",
        "research/models/seq2seq.py",
        "research/models/transformer.py",
        "research/models/zhang.py",
        "research/optim/plateau.py",
        "research/optim/sam.py",
        "research/options.py",
        "research/plugin/component_decorators.py",
        "research/plugin/declaration.py",
        "research/plugin/function_decorators.py",
        "research/regularization/boxes.py",
        "research/regularization/constraints.py",
        "research/regularization/geometry.py",
        "research/regularization/noise.py",
        "research/regularization/sampling.py",
        "research/rng.py",
        "research/statistics/comparisons.py",
        "research/statistics/margins.py",
        "research/statistics/nulls.py",
        "research/statistics/power.py",
        "research/statistics/simulated.py",
        "research/sweeps/coordinate/pack_progress.py",
        "research/sweeps/coordinate/sweep_status.py",
        "research/sweeps/execute/ensure_records.py",
        "research/sweeps/execute/execution_context.py",
        "research/sweeps/execute/stored_strategy.py",
        "research/sweeps/execute/trainer.py",
        "research/sweeps/tuning/trial_samplers.py",
        "research/tasks/bleu.py",
        "research/tasks/classification.py",
        "research/tasks/forecast.py",
        "research/tasks/reconstruction.py",
        "research/tasks/regression.py",
        "research/testing/few_steps.py",
        "research/training/apply/attention_maps.py",
        "research/training/apply/final_metrics.py",
        "research/training/checkpoint/snapshot.py",
        "research/training/devices/batch_layout.py",
        "research/training/devices/lanes.py",
        "research/training/devices/parallel.py",
        "research/training/devices/strategy_choice.py",
        "research/training/engine/batch_source.py",
        "research/training/engine/epoch.py",
        "research/training/engine/loop.py",
        "research/training/setup/lane_inputs.py",
        "research/training/setup/program.py",
        "research/training/setup/warm_start.py",
        "research/training/step/network.py",
        "research/training/step/objective.py",
        "research/training/step/param_tree.py",
        "research/training/step/update.py",
        "launch/benchmarks/pytorch.py",
        "launch/cli/flag_meanings.py",
        "launch/cli/html_report.py",
        "launch/cli/name_guard.py",
        "launch/cli/plan_text.py",
        "launch/cli/records_site.py",
        "launch/cli/retry_flags.py",
        "launch/cli/start.py",
        "launch/cli/sweep_rows.py",
    ]
)


@functools.cache
def described_elsewhere() -> frozenset[tuple[str, str]]:
    """Module and name of the builders of registry entries, whose options carry their own help, and
    of their constraints, whose arguments `Entry` describes."""
    functions = [
        inspect.unwrap(function.func if isinstance(function, functools.partial) else function)
        for kind in vars(registry).values()
        if isinstance(kind, Registry)
        for entry in kind
        for function in (entry.build, *entry.constraints)
    ]
    return frozenset((f.__module__, f.__qualname__) for f in functions if inspect.isfunction(f))


def breaches(path: Path, module: str) -> Iterator[str]:
    """The public functions of a file that leave parameters undescribed, with their lines."""
    yield from _breaches(ast.parse(path.read_text()), module, "")


def _breaches(scope: ast.AST, module: str, inside: str) -> Iterator[str]:
    for node in ast.iter_child_nodes(scope):
        name = f"{inside}{getattr(node, 'name', '')}"
        if name.rpartition(".")[2].startswith("_"):
            continue
        if isinstance(node, ast.ClassDef):
            yield from _breaches(node, module, f"{name}.")
        elif isinstance(node, ast.FunctionDef) and (module, name) not in described_elsewhere():
            parameters = _parameters(node, in_class=bool(inside))
            left = set(parameters) - described(ast.get_docstring(node) or "")
            if len(parameters) >= FROM and left:
                yield f"line {node.lineno}: {name} leaves {', '.join(sorted(left))} undescribed"


def _parameters(function: ast.FunctionDef, *, in_class: bool) -> list[str]:
    """The names of the parameters, without self or cls, `*args` and `**kwargs`."""
    arguments = function.args
    names = [a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    static = any(
        isinstance(decorator, ast.Name) and decorator.id == "staticmethod"
        for decorator in function.decorator_list
    )
    return names[1:] if in_class and not static else names


def described(document: str) -> set[str]:
    """The parameters that the section `Args:` of a docstring describes: `a: …` or `a, b: …`."""
    section = re.search(r"^Args:\n((?: .*\n?|\n)+)", document, re.MULTILINE)
    if section is None:
        return set()
    heads = re.findall(r"^ {4}(\w+(?:, \w+)*):", section[1], re.MULTILINE)
    return {name for head in heads for name in head.split(", ")}
