"""Results as committed data: one JSON file a part, written as soon as there is something."""

import json
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parents[1] / "results"


def write_part(folder: Path, part: str, content: dict[str, Any]) -> None:
    """Write ``part.json``, whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{part}.json"
    beside = path.with_suffix(".part")
    beside.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    beside.replace(path)


def read_part(folder: Path, part: str) -> dict[str, Any] | None:
    """Return what was kept of ``part``; None where it was never measured."""
    path = folder / f"{part}.json"
    return json.loads(path.read_text()) if path.exists() else None


def read_all(folder: Path) -> dict[str, dict[str, Any]]:
    """Return what was kept of every part, by its name, in the order of names."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}
