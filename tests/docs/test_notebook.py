"""The notebook of the docs runs from its start, and shows what it showed when it was committed."""

from __future__ import annotations

import subprocess
import sys

import nbformat
import pytest

from .pages import ROOT

SCRIPT = ROOT / "docs" / "scripts" / "run_notebook.py"
NOTEBOOK = ROOT / "docs" / "from-a-movie-to-particles.ipynb"
LARGEST_BYTES = 400_000


def cells_of(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def shown(cell):
    """Return the kinds of content that a cell shows; figures change with the machine."""
    return sorted({kind for output in cell.outputs for kind in output.get("data", {"text": ""})})


@pytest.fixture(scope="module")
def committed():
    return nbformat.read(NOTEBOOK, as_version=4)


def test_it_runs_and_shows_the_same_kinds_of_things(committed, tmp_path):
    written = tmp_path / "run.ipynb"
    # In a process of its own: Jupyter warns of much that is not ours to mend.
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(written)],
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    run = nbformat.read(written, as_version=4)
    assert [cell.source for cell in run.cells] == [cell.source for cell in committed.cells]
    assert [shown(cell) for cell in cells_of(run)] == [shown(cell) for cell in cells_of(committed)]
    assert [cell.id for cell in cells_of(run) for out in cell.outputs if out.get("ename")] == []


def test_it_is_committed_with_its_pictures_and_small(committed):
    assert NOTEBOOK.stat().st_size < LARGEST_BYTES
    assert [cell.execution_count for cell in cells_of(committed)] == [
        *range(1, len(cells_of(committed)) + 1)
    ]
    pictures = [cell for cell in cells_of(committed) if "image/png" in shown(cell)]
    assert len(pictures) >= 3
    assert [cell.id for cell in cells_of(committed) if "image/jpeg" in shown(cell)] == []


def test_it_tells_nothing_of_the_machine_it_ran_on(committed):
    text = NOTEBOOK.read_text("utf-8")
    assert str(ROOT) not in text
    assert "/tmp" not in text
    assert [dict(cell.metadata) for cell in committed.cells if cell.metadata] == []
