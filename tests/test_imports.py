"""Who may import whom, and what importing may cost: the rooms of the design."""

import ast
import re
import subprocess
import sys
import textwrap
import tomllib
from functools import cache
from pathlib import Path

import pytest

import napari_n2n

SOURCE = Path(napari_n2n.__file__).parent
GUI = {"napari", "qtpy", "magicgui", "superqt", "npe2", "pyqtgraph", "PyQt5", "PyQt6", "PySide6"}
GROUND = {
    "background",
    "devices",
    "errors",
    "metrics",
    "progress",
    "settings",
    "threads",
    "version",
}
# Rooms from the outside in: a room may import those that come after it.
ROOMS = [
    {"plugin", "cli"},
    {"experiments"},
    {"workflow"},
    {"export"},
    {"session", "quality"},
    {"particles"},
    {"denoising"},
    {"motion", "simulation"},
    {"reconstruction"},
    {"io"},
    GROUND,
]
ALL_ROOMS = sorted(set().union(*ROOMS))
# The widgets' rooms know what they share, and nothing of each other.
WIDGETS = ["denoise", "particles", "screening", "files"]


@cache
def modules() -> dict[str, Path]:
    """Every module of the package by its dotted name."""
    found = {}
    for path in SOURCE.rglob("*.py"):
        parts = path.relative_to(SOURCE.parent).with_suffix("").parts
        found[".".join(parts).removesuffix(".__init__")] = path
    return found


@cache
def imports_of(path: Path) -> frozenset[str]:
    """Every module a file imports anywhere in it, for types too, by its full dotted name."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: import by full name"
            assert node.module is not None
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                found.add(name if name in modules() else node.module)
    return frozenset(found)


def files_of(room: str) -> list[Path]:
    folder = SOURCE.joinpath(*room.split("."))
    return sorted(folder.rglob("*.py")) if folder.is_dir() else [folder.with_suffix(".py")]


def rooms_known_by(path: Path) -> set[str]:
    parts = [name.split(".") for name in imports_of(path)]
    return {part[1] for part in parts if part[0] == "napari_n2n" and len(part) > 1}


def test_every_module_has_a_room():
    there = {path.stem for path in SOURCE.iterdir() if path.suffix == ".py" or path.is_dir()}
    assert there - {"__init__", "__pycache__"} == set(ALL_ROOMS)


@pytest.mark.parametrize("room", ALL_ROOMS)
def test_a_room_imports_only_those_further_in(room):
    level = next(i for i, rooms in enumerate(ROOMS) if room in rooms)
    # What lies on the ground may know the ground.
    same_level = set() if room in GROUND else ROOMS[level] - {room}
    # The demo command opens the window; the help must not.
    excused = {"plugin"} if room == "cli" else set()
    forbidden = set().union(*ROOMS[:level]) | same_level - excused
    for path in files_of(room):
        assert not rooms_known_by(path) & forbidden, path


@pytest.mark.parametrize("room", WIDGETS)
def test_the_widgets_rooms_do_not_know_each_other(room):
    others = tuple(f"napari_n2n.plugin.{other}" for other in WIDGETS if other != room)
    for path in files_of(f"plugin.{room}"):
        assert not [name for name in imports_of(path) if name.startswith(others)], path


def test_what_the_widgets_share_knows_none_of_them():
    rooms = tuple(f"napari_n2n.plugin.{room}" for room in WIDGETS)
    for path in files_of("plugin.shared"):
        assert not [name for name in imports_of(path) if name.startswith(rooms)], path


@pytest.mark.parametrize("room", sorted(set(ALL_ROOMS) - {"plugin"}))
def test_only_the_plugin_knows_a_screen(room):
    for path in files_of(room):
        assert not {name.split(".")[0] for name in imports_of(path)} & GUI, path


def test_what_knows_no_screen_does_not_live_in_the_plugin():
    for path in files_of("plugin"):
        if path.name != "__init__.py":
            assert {name.split(".")[0] for name in imports_of(path)} & GUI, path


def test_no_modules_import_each_other_in_a_circle():
    wanted = {
        name: {other for other in imports_of(path) if other in modules() and other != name}
        for name, path in modules().items()
    }
    done: set[str] = set()

    def walk(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, " -> ".join((*way[way.index(name) :], name))
        if name not in done:
            for other in sorted(wanted[name]):
                walk(other, (*way, name))
            done.add(name)

    for name in wanted:
        walk(name, ())


@pytest.mark.parametrize("room", ["io", *sorted(GROUND - {"devices", "threads"})])
def test_files_are_opened_without_torch(room):
    for path in files_of(room):
        tree = ast.parse(path.read_text())
        at_once = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
        names = [getattr(node, "module", None) or node.names[0].name for node in at_once]
        assert not any(name.split(".")[0].startswith("torch") for name in names), path


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
        from napari_n2n.io import open_image, read_micrograph, write_micrograph
        write_micrograph({str(tmp_path / "a.mrc")!r}, np.eye(8, dtype=np.float32), 1.0)
        read_micrograph({str(tmp_path / "a.mrc")!r})
        open_image({str(tmp_path / "a.mrc")!r}).pixels
        import napari_n2n.plugin
        print([m for m in ("torch", "napari", "qtpy", "pydantic") if m in sys.modules])
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
        from napari_n2n.workflow import demonstration
        from napari_n2n.cli import app
        app(["simulate", {str(tmp_path)!r}, "--size", "64", "--frames", "2", "-q"],
            standalone_mode=False)
        """
    )
    assert "apoferritin_00.mrc" in out


def test_no_public_class_name_stands_twice():
    """A name means one thing, wherever one reads it."""
    where: dict[str, list[str]] = {}
    for name, path in modules().items():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                where.setdefault(node.name, []).append(name)
    assert {name: places for name, places in where.items() if len(places) > 1} == {}


def test_every_requirement_is_imported_and_every_import_is_required():
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    imported_as = {"pillow": "PIL", "scikit_image": "skimage", "scikit_learn": "sklearn"}

    def modules_of(requirements: list[str]) -> set[str]:
        names = {re.match(r"[\w-]+", line)[0].replace("-", "_") for line in requirements}
        return {imported_as.get(name, name) for name in names}

    imported = {name.split(".")[0] for path in modules().values() for name in imports_of(path)}
    base = modules_of(project["dependencies"])
    assert base <= imported, f"nothing imports {base - imported}"
    known = base | modules_of(extras["napari"] + extras["ctf"]) | set(sys.stdlib_module_names)
    assert imported <= known | {"napari_n2n"}, f"undeclared: {imported - known}"
