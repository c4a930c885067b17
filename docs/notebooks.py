"""The notebooks: pages of the site, a hook of mkdocs; and, run as a program, their outputs.

`python docs/notebooks.py` runs each notebook from its first cell to its last and stores what it
shows.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from mkdocs.structure.files import File, Files
from nbclient import NotebookClient
from nbformat import NotebookNode

NOTEBOOKS = sorted((Path(__file__).parent / "notebooks").glob("*.ipynb"))
LONGEST = 300  # seconds that a cell may take


def on_files(files: Files, config: Any) -> Files:
    """Adds a page per notebook, and the entry `Notebooks` of the navigation."""
    names = []
    for path in NOTEBOOKS:
        name = f"notebooks/{path.stem}.md"
        content = "\n\n".join(page(read(path)))
        files.append(File.generated(config, name, content=f"{content}\n"))
        names.append(name)
    config.nav = [
        {"Notebooks": names} if entry == {"Notebooks": "notebooks/"} else entry
        for entry in config.nav
    ]
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Links to notebooks lead to their pages, which are there on the site alone."""
    return markdown.replace(".ipynb)", ".md)")


def read(path: Path) -> NotebookNode:
    """A stored notebook."""
    return nbformat.read(path, as_version=4)


def page(notebook: NotebookNode) -> Iterator[str]:
    """The Markdown of each cell and of each stored output."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            yield cell.source
            continue
        yield f"```python\n{cell.source}\n```"
        for output in cell.outputs:
            yield _shown(output)


def _shown(output: NotebookNode) -> str:
    """An output in the richest form that it has: picture, HTML, text."""
    if output.output_type == "stream":
        return f"```text\n{output.text.rstrip()}\n```"
    if "image/png" in output.data:
        png = output.data["image/png"].replace("\n", "")
        return f'<img alt="figure" src="data:image/png;base64,{png}">'
    if "text/html" in output.data:
        return f"<div>\n{output.data['text/html']}\n</div>"
    return f"```text\n{output.data['text/plain']}\n```"


def executed(path: Path, folder: Path) -> NotebookNode:
    """The notebook after a run of all its cells in `folder`, without progress and warnings.

    Raises nbclient.exceptions.CellExecutionError if a cell raises.
    """
    notebook = read(path)
    client = NotebookClient(notebook, timeout=LONGEST, resources={"metadata": {"path": folder}})
    client.execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # when it ran
        if cell.cell_type == "code":
            cell.outputs = [each for each in cell.outputs if each.get("name") != "stderr"]
    notebook.metadata = {"kernelspec": notebook.metadata.kernelspec}
    return notebook


if __name__ == "__main__":
    for each in NOTEBOOKS:
        with tempfile.TemporaryDirectory() as directory:
            nbformat.write(executed(each, Path(directory)), each)
