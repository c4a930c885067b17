"""The README of a packaged run: what it is, how it was made, how it is used."""

from collections.abc import Iterator

from research.analysis.provenance_text import sentence
from research.data.features.numbers import Numbers
from research.data.spec import spec_of
from research.sweeps.records.record import Record
from research.sweeps.records.saved_parameters import Saved


def readme(record: Record, saved: Saved) -> str:
    """Markdown: use, inputs, metrics, settings and provenance of a run."""
    return "\n".join(_lines(record, saved)) + "\n"


def _lines(record: Record, saved: Saved) -> Iterator[str]:
    config = record.config
    assert saved.basis is not None
    spec = spec_of(saved.basis["spec"])
    yield f"# {config['arch']} on {config['dataset']}, run {record.run_id}"
    yield ""
    yield "```python"
    yield "import research as rs"
    yield ""
    yield 'run = rs.load("PATH/OF/THIS/FOLDER")'
    yield "run.predict(x)  # raw inputs; see below"
    yield "```"
    yield ""
    yield "## Inputs and outputs"
    yield ""
    yield f"- An example is {spec.inputs.describe()}."
    inputs = spec.inputs.stored
    if isinstance(inputs, Numbers) and inputs.names:
        yield f"- Columns: {', '.join(inputs.names)}."
    if record.selected:
        yield f"- Chosen on its training rows: {', '.join(record.selected)}."
    yield (
        f"- Classes: {', '.join(spec.targets.classes)}."
        if spec.targets.classes
        else "- The output is a value per example."
    )
    yield ""
    yield "## Metrics"
    yield ""
    yield from (f"- {name}: {value:.6g}" for name, value in record.metrics.items())
    yield ""
    yield "## Settings"
    yield ""
    yield from (f"- `{name}={value}`" for name, value in config.items())
    yield ""
    yield "## Provenance"
    yield ""
    yield sentence([record])
