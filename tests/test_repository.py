"""What the repository tells people who want to change it is true, and stays so."""

import re
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml

import napari_n2n

from .test_imports import ALL_ROOMS, GROUND, ROOMS, WIDGETS

ROOT = Path(__file__).parent.parent
GITHUB = ROOT / ".github"
CONTRIBUTING = GITHUB / "CONTRIBUTING.md"
TOP_LEVEL = {"LICENSE", "README.md", "docs", "pyproject.toml", "src", "tests", "tox.ini"}
YAML = sorted(path for path in GITHUB.rglob("*") if path.suffix in {".yml", ".cff"})
CODE = re.compile(r"`([^`\n]+)`")


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def parsed(name: str) -> dict:
    return yaml.safe_load(text_of(GITHUB / name))


def places() -> list[str]:
    """Everything that looks like a path in the table of where things go."""
    section = text_of(CONTRIBUTING).split("\n## Where things go\n")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")]
    named = [name for row in rows for name in CODE.findall(row)]
    return [name for name in named if "/" in name or Path(name).suffix]


def steps_of(job: dict) -> list[str]:
    return [step.get("run", "") for step in job["steps"]]


def test_the_top_level_holds_nothing_else():
    ignored = [line.rstrip("/") for line in text_of(ROOT / ".gitignore").splitlines()]
    names = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    kept = {name for name in names if not any(fnmatch(name, pattern) for pattern in ignored)}
    assert kept == TOP_LEVEL


def test_the_table_of_where_things_go_knows_every_room():
    rooms = {name.split("/")[0].removesuffix(".py") for name in places()}
    assert set(ALL_ROOMS) <= rooms
    assert {f"plugin/{widget}/" for widget in WIDGETS} <= set(places())


@pytest.mark.parametrize("place", sorted(set(places())))
def test_what_the_table_names_is_there(place):
    outside = place.startswith((".", "docs", "tests"))
    path = (ROOT if outside else ROOT / "src" / "napari_n2n") / place
    assert path.is_dir() if place.endswith("/") else path.is_file()


def test_the_tests_that_are_run_by_name_are_there():
    blocks = re.findall(r"^```\w+\n(.*?)^```", text_of(CONTRIBUTING), re.MULTILINE | re.DOTALL)
    named = re.findall(r"\btests/[\w./-]+", "\n".join(blocks))
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_design_draws_the_rooms_as_they_lie_above_each_other():
    drawing = text_of(ROOT / "docs" / "design.md").split("\n## Rooms\n")[1].split("```")[1]
    floors = re.split(r"^\+[-+]+\+$", drawing, flags=re.MULTILINE)
    *drawn, ground = [floor for floor in floors if "|" in floor]
    # What lies within a room is indented.
    assert [set(re.findall(r"\| (\w+)/", floor)) for floor in drawn] == ROOMS[:-1]
    assert set(re.findall(r"(\w+)\.py", ground)) == GROUND
    assert {*WIDGETS, "shared"} <= set(re.findall(r"(\w+)/", drawn[0]))


@pytest.mark.parametrize("page", [CONTRIBUTING, ROOT / "docs" / "design.md"], ids=lambda p: p.name)
def test_modules_that_a_page_speaks_of_are_there(page):
    package = ROOT / "src" / "napari_n2n"
    named = [name for name in CODE.findall(text_of(page)) if re.fullmatch(r"[\w./]+\.\w+", name)]
    modules = [name for name in named if name.endswith((".py", ".yaml"))]
    assert modules
    missing = [name for name in modules if not any((r / name).exists() for r in (ROOT, package))]
    assert missing == []


@pytest.mark.parametrize("path", YAML, ids=lambda path: path.name)
def test_yaml_for_github_can_be_read(path):
    assert isinstance(yaml.safe_load(text_of(path)), dict)


def test_the_citation_is_of_this_version():
    citation = parsed("CITATION.cff")
    assert citation["version"] == napari_n2n.__version__
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    licence = tomllib.loads(text_of(ROOT / "pyproject.toml"))["project"]["license"]
    assert citation["license"] == licence


def test_reports_of_faults_come_with_what_info_says():
    fields = {field["id"]: field for field in parsed("ISSUE_TEMPLATE/bug.yml")["body"]}
    assert "napari-n2n info FILE" in fields["info"]["attributes"]["label"]
    assert "napari-n2n --version" in fields["version"]["attributes"]["description"]
    required = {name for name, field in fields.items() if field.get("validations")}
    assert required == {"happened", "info", "version", "machine"}


def test_hosted_ci_runs_on_every_python_and_system_that_is_promised():
    jobs = parsed("workflows/ci.yml")["jobs"]
    matrix = jobs["tests"]["strategy"]["matrix"]
    pairs = {(system, python) for system in matrix["os"] for python in matrix["python"]}
    pairs |= {(more["os"], more["python"]) for more in matrix["include"]}
    set_up = next(step["with"] for step in jobs["linux"]["steps"] if "setup-python" in str(step))
    pairs.add((jobs["linux"]["runs-on"], set_up["python-version"]))
    classifiers = tomllib.loads(text_of(ROOT / "pyproject.toml"))["project"]["classifiers"]
    promised = re.findall(r"Python :: (3\.\d+)", "\n".join(classifiers))
    systems = ["ubuntu-latest", "macos-latest", "windows-latest"]
    assert promised
    assert pairs == {(system, python) for system in systems for python in promised}


def test_hosted_ci_runs_what_ci_runs():
    jobs = parsed("workflows/ci.yml")["jobs"]
    assert "bash .ci/run" in steps_of(jobs["linux"])
    (documentation,) = [step for step in steps_of(jobs["package"]) if "mkdocs build" in step]
    assert documentation.removeprefix("python -m ") in text_of(ROOT / "tox.ini")
    # The same tests, in the same way, wherever they run.
    (by_tox,) = re.findall(r"-m (pytest .*) \{posargs\}", text_of(ROOT / "tox.ini"))
    by_hand = [step for step in steps_of(jobs["tests"]) if "pytest" in step]
    assert len(by_hand) == 2
    assert all(step.endswith(by_tox) for step in by_hand)


@pytest.mark.parametrize("name", ["ci", "release"])
def test_workflows_may_do_no_more_than_they_must(name):
    workflow = parsed(f"workflows/{name}.yml")
    assert workflow["permissions"] in ({}, {"contents": "read"})
    writing = {
        (job, scope)
        for job, content in workflow["jobs"].items()
        for scope, right in content.get("permissions", {}).items()
        if right == "write"
    }
    assert writing == (
        {("publish", "id-token"), ("github", "contents")} if name == "release" else set()
    )
    uses = re.findall(r"uses: (\S+)", text_of(GITHUB / "workflows" / f"{name}.yml"))
    assert uses
    for used in uses:
        assert used.startswith("./") or re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", used), used


def test_nothing_is_released_unchecked():
    jobs = parsed("workflows/release.yml")["jobs"]
    assert jobs["checks"]["uses"] == "./.github/workflows/ci.yml"
    assert (jobs["checks"]["needs"], jobs["publish"]["needs"]) == ("version", "checks")
    assert any("__version__" in step for step in steps_of(jobs["version"]))
