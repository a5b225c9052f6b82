"""Blocks of Python in the README and the docs, and how they are run."""

from __future__ import annotations

import io
import re
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
PRINTED = re.compile(r"^\s*(?:print\(.*)?\)  # (.+)$", re.MULTILINE)
LOOKS_LIKE_PYTHON = re.compile(r"^(>>> |import \w|from [\w.]+ import )", re.MULTILINE)

Names = dict[str, Any]


def blocks(page: Path) -> list[tuple[int, str]]:
    """Return the blocks of Python of a page, each with the line on which it begins."""
    text = page.read_text("utf-8")
    return [
        (text.count("\n", 0, found.start()) + 2, found[2])
        for found in FENCE.finditer(text)
        if found[1] == "python"
    ]


def hidden(page: Path) -> list[str]:
    """Return the blocks of a page that look like Python and are called something else."""
    return [
        found[2]
        for found in FENCE.finditer(page.read_text("utf-8"))
        if found[1] != "python" and LOOKS_LIKE_PYTHON.search(found[2])
    ]


def run(page: Path, names: Names) -> None:
    """Run the blocks of a page, and compare what they print with what they say they do.

    A comment behind ``print(…)``, or behind the bracket that closes one of several lines, is what
    it prints; ``…`` in it stands for anything.
    """
    for line, code in blocks(page):
        # Empty lines before it, so that an error tells the line of the page.
        compiled = compile("\n" * (line - 1) + code, str(page), "exec")
        with redirect_stdout(io.StringIO()) as out:
            exec(compiled, names)
        printed = iter(out.getvalue().splitlines())
        for expected in PRINTED.findall(code):
            pattern = re.escape(expected).replace("…", ".*")
            assert any(re.fullmatch(pattern, told) for told in printed), (
                f"{page.name}: nothing like {expected!r} is printed, but\n{out.getvalue()}"
            )
