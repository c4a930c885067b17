"""The notebooks of the documentation: each runs from its first cell to its last, and is stored with
what it shows."""

from pathlib import Path

import pytest
from nbformat import NotebookNode

from docs.notebooks import NOTEBOOKS, executed, page, read

ROOT = Path(__file__).parents[1]


def shown(notebook: NotebookNode) -> list[list[str]]:
    """The kinds of output of each cell of code: text, HTML, a picture."""
    return [
        [kind for output in cell.outputs for kind in sorted(output.get("data", ["text"]))]
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_and_is_stored_with_what_it_shows(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    stored = read(path)
    assert shown(executed(path, tmp_path)) == shown(stored)
    assert any("image/png" in kinds for kinds in shown(stored))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_its_page_shows_cells_and_outputs(path: Path) -> None:
    text = "\n\n".join(page(read(path)))
    assert text.startswith("# ")
    assert "```python\n%matplotlib inline" in text
    assert "<table>" in text
    assert '<img alt="figure" src="data:image/png;base64,' in text


def test_the_site_has_them() -> None:
    assert "Notebooks: notebooks/" in (ROOT / "mkdocs.yml").read_text()
    assert {path.stem for path in NOTEBOOKS} == {"ablation", "table_in_a_paper"}
