"""What the docs call a module or a function is one, and the reference knows all that is public."""

from __future__ import annotations

import re
from importlib import import_module

import pytest

import napari_n2n

from ..test_imports import ROOMS
from .pages import PAGES, ROOT

CONTRIBUTING = ROOT / ".github" / "CONTRIBUTING.md"
# What changed is told in the words of its time.
NOW = [page for page in [*PAGES, CONTRIBUTING] if page.name != "changelog.md"]
ALL_ROOMS = sorted(set().union(*ROOMS))
WITHOUT_PREFIX = re.compile(rf"`((?:{'|'.join(ALL_ROOMS)})(?:\.[a-z]\w*)+)[`(]")
WITH_PREFIX = re.compile(r"\bnapari_n2n((?:\.[A-Za-z_]\w*)+)")
FILES = {"csv", "cs", "md", "py", "sqlite", "star", "yaml", "yml"}


def is_there(name: str) -> bool:
    """Whether ``a.b.c`` of this package is a module, or something in one."""
    found, parts = napari_n2n, name.split(".")
    for number, part in enumerate(parts, 1):
        if hasattr(found, part):
            found = getattr(found, part)
            continue
        try:
            found = import_module(".".join(["napari_n2n", *parts[:number]]))
        except ImportError:
            return False
    return True


@pytest.mark.parametrize("page", NOW, ids=lambda page: page.name)
def test_modules_and_functions_that_a_page_names_are_there(page):
    text = page.read_text("utf-8")
    named = {found.lstrip(".") for found in WITH_PREFIX.findall(text)}
    named |= set(WITHOUT_PREFIX.findall(text))
    named = {name for name in named if name.split(".")[-1] not in FILES}
    assert sorted(name for name in named if not is_there(name)) == []


def test_a_name_that_is_not_there_is_noticed():
    assert is_there("denoising.inference.features.bottleneck_steps")
    assert not is_there("denoising.features.bottleneck")
    assert not is_there("session.judge")


def test_the_reference_has_all_public_names_and_no_others():
    text = (ROOT / "docs" / "reference.md").read_text("utf-8")
    referred = re.findall(r"^::: napari_n2n\.(\w+)$", text, re.MULTILINE)
    assert sorted(referred) == sorted(set(napari_n2n.__all__) - {"__version__"})
