"""Trains recorded runs again and compares them, bit for bit.

Examples:
  python -m launch.verify --run=RUN
  python -m launch.verify --experiment=regularization --sample=3
  python -m launch.verify --name=rates --sample=3
"""

import sys
from collections import Counter

from launch.cli import start
from launch.cli.planner import planner
from launch.cli.records import store
from launch.cli.verified_runs import Verifier, of_experiment, of_sweep, sample
from launch.cli.verify_flags import EXPERIMENT, NAME, RUN, SAMPLE, SAMPLE_SEED
from research.errors import UserError
from research.sweeps.records.verification import lookup
from research.words import plural

# As diff exits: 0 equal, 1 different, 2 trouble.
EXIT_DIFFERS = 1


def main() -> None:
    if sum(flag.value is not None for flag in (RUN, EXPERIMENT, NAME)) != 1:
        raise UserError(
            "give one of --run=RUN (one run), --experiment=NAME and --name=SWEEP (all their runs)"
        )
    plans = planner()
    records = store()
    verifier = Verifier(plans, records)
    if RUN.value is not None:
        if SAMPLE.value is not None or SAMPLE_SEED.value is not None:
            raise UserError(
                "--sample and --sample_seed are for --experiment and --name; --run names one run"
            )
        verdicts = [verifier.verify(lookup(records, RUN.value))]
    else:
        verdicts = []
        recorded = (
            of_sweep(NAME.value, records)
            if NAME.value
            else of_experiment(EXPERIMENT.value or "", plans, records)
        )
        for record in (chosen := sample(NAME.value or EXPERIMENT.value or "", recorded)):
            verdicts.append(verifier.verify(record))
            print()
        counts = ", ".join(f"{count} {verdict}" for verdict, count in Counter(verdicts).items())
        print(f"{plural(len(chosen), 'run')}: {counts}")
    sys.exit(EXIT_DIFFERS if "differs" in verdicts else 0)


if __name__ == "__main__":
    start.run(main, saves=False)
