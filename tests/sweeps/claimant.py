"""A process that trains fake runs under claims, for test_many_writers.py. It says what it does on
its output."""

import argparse
import sys
import time
from pathlib import Path

from research.sweeps.coordinate import worker
from research.sweeps.coordinate.claims import working
from research.sweeps.coordinate.membership import LeaseLost
from research.sweeps.records.record import Record
from research.sweeps.records.store import Store

LOST = 3


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("root", type=Path)
    parser.add_argument("runs", type=int)
    parser.add_argument("--name", default="")
    parser.add_argument("--seconds", type=float, default=0.02)
    parser.add_argument("--timeout", type=float, default=60.0)
    parser.add_argument(
        "--elsewhere", action="store_true", help="as on another machine, where a pid says nothing"
    )
    arguments = parser.parse_args()
    if arguments.elsewhere:
        worker._place = lambda: ""
    store = Store(arguments.root)
    ids = [f"{number:016x}" for number in range(arguments.runs)]
    print("ready", flush=True)
    sys.stdin.readline()

    def done(run_id: str) -> bool:
        return store.path(run_id).exists()

    with working(store.root, done, arguments.timeout / 10, arguments.timeout) as claims:
        try:
            while missing := [run_id for run_id in ids if not done(run_id)]:
                taken = claims.take(missing, 3)
                for run_id in taken:
                    print("train", run_id, flush=True)
                    time.sleep(arguments.seconds)
                    claims.confirm([run_id])
                    store.write(Record(run_id, "finished", {}, provenance={"by": arguments.name}))
                    claims.release([run_id])
                if not taken:
                    time.sleep(0.1)
        except LeaseLost:
            return LOST
    return 0


if __name__ == "__main__":
    sys.exit(main())
