"""Who may import whom, and what importing may cost: the rooms of the design."""

import ast
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import napari_n2n

SOURCE = Path(napari_n2n.__file__).parent
GUI = {"napari", "qtpy", "magicgui", "superqt", "npe2", "pyqtgraph", "PyQt5", "PyQt6", "PySide6"}
# Rooms from the outside in: a room may import those that come after it.
ROOMS = [
    {"plugin", "cli"},
    {"demonstration", "assessment", "reproduction"},
    {"workflow", "particle_workflow", "screening_workflow", "batch"}
    | {"general_training", "natural_training"},
    {"screening"},
    {"particles", "movie_settings"},
    {"denoising", "motion", "simulation"},
    {"pages", "pictures"},
    {"io", "metrics"},
    {"aside", "errors", "progress"},
]


def imports_of(path: Path) -> set[str]:
    """Every module a file imports anywhere in it, by its full dotted name."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: import by full name"
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def files_of(room: str) -> list[Path]:
    folder = SOURCE / room
    return sorted(folder.rglob("*.py")) if folder.is_dir() else [SOURCE / f"{room}.py"]


def test_every_module_has_a_room():
    known = set().union(*ROOMS)
    there = {path.stem for path in SOURCE.iterdir() if path.suffix == ".py" or path.is_dir()}
    assert there - known <= {"__init__", "__pycache__"}


@pytest.mark.parametrize("room", sorted(set().union(*ROOMS)))
def test_a_room_imports_only_those_further_in(room):
    level = next(i for i, rooms in enumerate(ROOMS) if room in rooms)
    # The demo command opens the window; the help must not.
    excused = {"plugin"} if room == "cli" else set()
    forbidden = set().union(*ROOMS[:level]) | (ROOMS[0] - {room}) - excused
    for path in files_of(room):
        for name in imports_of(path):
            parts = name.split(".")
            if parts[0] == "napari_n2n" and len(parts) > 1:
                assert parts[1] not in forbidden, f"{path.name} imports {name}"


@pytest.mark.parametrize("room", sorted(set().union(*ROOMS) - {"plugin"}))
def test_only_the_plugin_knows_a_screen(room):
    for path in files_of(room):
        assert not {name.split(".")[0] for name in imports_of(path)} & GUI, path


@pytest.mark.parametrize("room", ["io", "errors", "progress"])
def test_files_are_opened_without_torch(room):
    for path in files_of(room):
        assert not any(name.split(".")[0].startswith("torch") for name in imports_of(path)), path


def run(code: str) -> str:
    """Run ``code`` in a fresh interpreter and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_the_package_and_reading_a_file_load_no_torch(tmp_path):
    out = run(
        f"""
        import sys, time
        start = time.process_time()
        import napari_n2n
        assert time.process_time() - start < 0.2
        import numpy as np
        from napari_n2n.io import read_micrograph, open_movie, write_micrograph
        write_micrograph({str(tmp_path / "a.mrc")!r}, np.eye(8, dtype=np.float32), 1.0)
        read_micrograph({str(tmp_path / "a.mrc")!r})
        open_movie({str(tmp_path / "a.mrc")!r}).frame(0)
        import napari_n2n.plugin
        print([m for m in ("torch", "napari", "qtpy") if m in sys.modules])
        """
    )
    assert out.strip() == "[]"


def test_the_help_is_quick_and_loads_neither_torch_nor_napari():
    out = run(
        """
        import sys, time
        start = time.process_time()
        from napari_n2n.cli import app
        from typer.testing import CliRunner
        result = CliRunner().invoke(app, ["--help"])
        assert result.exit_code == 0 and "denoise" in result.output
        assert time.process_time() - start < 1.0
        print([m for m in ("torch", "napari", "scipy") if m in sys.modules])
        """
    )
    assert out.strip() == "[]"


def test_the_command_line_works_where_neither_qt_nor_napari_is_installed(tmp_path):
    out = run(
        f"""
        import sys
        class Blocked:
            def find_spec(self, name, path=None, target=None):
                if name.split(".")[0] in {sorted(GUI)!r}:
                    raise ImportError(f"{{name}} is blocked")
        sys.meta_path.insert(0, Blocked())
        from napari_n2n import workflow, demonstration
        from napari_n2n.cli import app
        app(["simulate", {str(tmp_path)!r}, "--size", "64", "--frames", "2", "-q"],
            standalone_mode=False)
        """
    )
    assert "apoferritin_00.mrc" in out
