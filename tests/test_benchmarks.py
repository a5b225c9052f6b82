"""docs/performance.md shows the figures that were measured, and no others."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "tests" / "benchmarks" / "results"


def check(*more: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        ROOT / "docs" / "scripts" / "make_performance_page.py",
        "--check",
        *more,
    ]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_page_shows_the_committed_figures():
    done = check()
    assert done.returncode == 0, done.stderr


def test_a_figure_that_changes_is_noticed(tmp_path):
    shutil.copytree(RESULTS, tmp_path, dirs_exist_ok=True)
    path = tmp_path / "denoising.json"
    content = json.loads(path.read_text(), parse_float=lambda text: float(text) * 3)
    path.write_text(json.dumps(content))
    done = check("--results", tmp_path)
    assert done.returncode == 1
    assert "python docs/scripts/make_performance_page.py" in done.stderr


def test_every_part_that_was_measured_has_a_table():
    maker = (ROOT / "docs" / "scripts" / "make_performance_page.py").read_text()
    for part in RESULTS.glob("*.json"):
        assert f'("{part.stem}",)' in maker, f"no table shows {part.name}"
