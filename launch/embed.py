"""Draws the rows of a run in two dimensions: by PCA, t-SNE or a layer of its network.

Examples:
  python -m launch.embed --run=RUN --method=tsne --out=digits.png
  python -m launch.embed --run=RUN --layer=HiddenDense_0 --out=layer.png
  python -m launch.embed --run=RUN --method=dendrogram --out=tree.png
"""

from absl import flags

from launch.cli import start
from launch.cli.embedding import figure
from launch.cli.evaluated_examples import chosen
from research.analysis.attention_figure import write

SPLIT = flags.DEFINE_string(
    "split",
    "train",
    "train, validation or test of the run's own data; or csv:FILE or folder:DIR with the same"
    " columns or classes",
)
OUT = start.define_file("out", "embedding.png", "the figure's file (.png, .pdf, .svg)")


def main() -> None:
    saved, examples = chosen(SPLIT.value)
    write(figure(saved, examples, SPLIT.value), OUT.value)
    print(f"{saved.described}; {examples.size()}")
    print(f"wrote {OUT.value}")


if __name__ == "__main__":
    start.run(main, saves=False)
