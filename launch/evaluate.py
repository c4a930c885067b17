"""Evaluates a run with saved parameters on one of its splits or on new data.

Examples:
  python -m launch.evaluate --run=RUN --split=test --out=evaluation
  python -m launch.evaluate --run=RUN --split=csv:new.csv
"""

from absl import flags

from launch.cli import start
from launch.cli.evaluated_examples import chosen
from launch.cli.evaluation import draw_attention, measure, refuse, undefined, write_evaluation
from research import messages

SPLIT = flags.DEFINE_string(
    "split",
    "test",
    "test, validation or train of the run's own data; or csv:FILE, folder:DIR, text:FILE with the"
    " same columns, classes or symbols",
)
ATTENTION = start.define_file(
    "attention",
    None,
    "draw what attention looks at in the split's first example into this file (.png, .pdf, .svg)",
)
OUT = start.define_output(
    "out",
    "write predictions.csv, the wrong examples, a table of the classes, and figures into this"
    " directory",
)


def main() -> None:
    saved, examples = chosen(SPLIT.value)
    refuse(saved, examples, SPLIT.value, OUT.value)
    if ATTENTION.value:
        draw_attention(saved, examples, ATTENTION.value)
    outputs, metrics = measure(saved, examples)
    print(f"{saved.described}; {examples.size()}")
    if metrics:
        values = "  ".join(f"{name} {value!r}" for name, value in metrics.items())
        print(f"{SPLIT.value}  {values}")
    # On stderr: stdout has the metrics alone.
    for note in (*examples.notes, *undefined(metrics, examples, saved.spec)):
        messages.say(f"note: {note}")
    if examples.lacks:
        messages.say(f"note: {examples.lacks}, so only predictions are written")
    if examples.unread:
        messages.say(f"note: columns that the run does not read: {', '.join(examples.unread)}")
    if OUT.value:
        write_evaluation(saved, examples, outputs, SPLIT.value, OUT.value)


if __name__ == "__main__":
    start.run(main, saves=False)
