"""What the README and the docs tell a person to type works, and what they link to is there."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").glob("*.md"))]
# Its commands are typed in a clone, where something is to be changed: they cannot be run here.
CONTRIBUTING = ROOT / ".github" / "CONTRIBUTING.md"
SET_UP = "sh .ci/system-packages"


def commands(page: Path) -> list[str]:
    blocks = re.findall(r"^```bash\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.strip()]


def cut_short(page: Path) -> list[str]:
    """Return the commands of a page, set-up excepted; what runs the tests cannot be run by them.

    That a command works shows in a moment of training, how good it gets does not matter.
    """
    return [
        re.sub(r"--max-time \S+", "--max-time 1s", command)
        for command in commands(page)
        if not command.startswith(SET_UP)
    ]


@pytest.fixture
def bash() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run what a person types; ``napari-n2n`` is that of the environment which runs the tests."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    # By its full name: without it Windows starts its own, which is for another system, not Git's.
    program = shutil.which("bash", path=path)
    if program is None:
        pytest.skip("this system has no bash")

    def typed(command: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PATH": path}
        return subprocess.run(
            [program, "-c", command],
            env=environment,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    return typed


def test_the_readmes_commands_work_in_an_empty_folder(bash, tmp_path, monkeypatch):
    """Each in a process of its own, as they are typed; what sets up is run by .ci/run."""
    monkeypatch.chdir(tmp_path)
    for command in cut_short(README):
        done = bash(command)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize(
    "page", [p for p in PAGES if p != README and commands(p)], ids=lambda page: page.name
)
def test_commands_work_in_an_empty_folder(page, bash, n2n, tmp_path, monkeypatch):
    """All in this process: loading torch anew for each takes longer than most of them."""
    monkeypatch.chdir(tmp_path)
    for command in cut_short(page):
        for part in command.split(" && "):
            # Quotes, wildcards and comments mean what they mean to bash.
            words = bash(f"printf '%s\\n' {part}").stdout.splitlines()
            if words[0] == "napari-n2n":
                assert n2n(*words[1:]) == 0, command
            else:
                assert bash(part).returncode == 0, command


def test_ci_runs_the_readmes_test_command_as_written():
    (test_command,) = (c for c in commands(README) if c.startswith(SET_UP) and "tox" in c)
    assert test_command in (ROOT / ".ci" / "run").read_text("utf-8").splitlines()
    assert commands(CONTRIBUTING) == [test_command]


@pytest.mark.parametrize("page", [*PAGES, CONTRIBUTING], ids=lambda page: page.name)
def test_links_and_pictures_are_there(page):
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text("utf-8")):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target
