"""docs/natural-images.md shows the figures that were measured, and no others."""

import importlib.util
import json
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def maker():
    spec = importlib.util.spec_from_file_location(
        "maker", DOCS / "scripts" / "make_photographs_page.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def figures(maker):
    return json.loads(maker.FIGURES.read_text())


def test_the_page_shows_the_committed_figures(maker, figures):
    text = maker.PAGE.read_text()
    assert maker.page_of(text, figures) == text


def test_a_figure_that_changes_is_noticed(maker, figures):
    figures["found"]["psnr-ours-25"]["psnr_db"] += 1
    text = maker.PAGE.read_text()
    assert maker.page_of(text, figures) != text


def test_the_page_has_every_table_there_is(maker):
    assert {found["name"] for found in maker.BLOCK.finditer(maker.PAGE.read_text())} == set(
        maker.BLOCKS
    )
