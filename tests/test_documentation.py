"""What the README and the docs tell a person to type works, and what they link to is there."""

import os
import re
import shutil
import subprocess
import sys
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


@pytest.mark.parametrize("page", [p for p in PAGES if commands(p)], ids=lambda page: page.name)
def test_commands_work_in_an_empty_folder(page, tmp_path):
    """Set-up commands excepted: what runs the tests cannot be run by them; .ci/run does.

    Training is cut short: that a command works shows in a moment, how good it gets does not matter.
    """
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    # By its full name: without it Windows starts its own, which is for another system, not Git's.
    bash = shutil.which("bash", path=path)
    if bash is None:
        pytest.skip("this system has no bash")
    for command in commands(page):
        if command.startswith(SET_UP):
            continue
        done = subprocess.run(
            [bash, "-c", re.sub(r"--max-time \S+", "--max-time 1s", command)],
            cwd=tmp_path,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


def test_ci_runs_the_readmes_test_command_as_written():
    (test_command,) = (c for c in commands(README) if c.startswith(SET_UP) and "tox" in c)
    assert test_command in (ROOT / ".ci" / "run").read_text("utf-8").splitlines()
    assert commands(CONTRIBUTING) == [test_command]


@pytest.mark.parametrize("page", [*PAGES, CONTRIBUTING], ids=lambda page: page.name)
def test_links_and_pictures_are_there(page):
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text("utf-8")):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target
