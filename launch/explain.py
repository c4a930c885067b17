"""Says which features matter to trained runs, with intervals over seeds; draws what they depend on.

The runs must have kept their parameters (--keep_params). Only --method=drop trains.

Examples:
  python -m launch.explain --run=RUN
  python -m launch.explain --name=SWEEP --method=shapley --figures=figures
  python -m launch.explain --run=RUN --method=integrated_gradients --figures=figures
"""

from launch.cli import explained_runs, figure_flags, start
from launch.cli.output import emit
from research import messages


def main() -> None:
    # A style that cannot be is refused before anything is computed.
    figure_flags.style()
    explained = explained_runs.report()
    table = explained.table()
    if table is not None:
        emit(table)
    else:
        messages.say(explained.remark)
    explained_runs.draw(explained)


if __name__ == "__main__":
    start.run(main)
