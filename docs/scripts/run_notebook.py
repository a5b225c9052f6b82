"""Run docs/from-a-movie-to-particles.ipynb from its start, and keep what its cells show.

Run: python docs/scripts/run_notebook.py [WHERE TO WRITE IT INSTEAD]

A cell that fails ends it with the error, and nothing is written.
"""

import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).resolve().parents[1] / "from-a-movie-to-particles.ipynb"
SECONDS_A_CELL = 300


def executed(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Run all cells in an empty folder, and leave nothing of this machine in what they show."""
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(
            notebook, timeout=SECONDS_A_CELL, resources={"metadata": {"path": folder}}
        )
        client.execute()
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for cell in notebook.cells:
        cell.metadata = {}
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                output.data.pop("image/jpeg", None)  # the same picture again
    return notebook


def main() -> None:
    written = Path(sys.argv[1]) if len(sys.argv) > 1 else NOTEBOOK
    notebook = executed(nbformat.read(NOTEBOOK, as_version=4))
    nbformat.write(notebook, written)
    print(f"{written}: {written.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
