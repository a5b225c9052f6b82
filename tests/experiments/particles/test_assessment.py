"""What `assess-particles` measures, and how it counts."""

import csv

import numpy as np
import pytest
from typer.testing import CliRunner

from napari_n2n.cli import app
from napari_n2n.denoising.config import preset
from napari_n2n.errors import NotEnoughData, UnreadableFile
from napari_n2n.experiments.particles.assessment import assess_steps
from napari_n2n.experiments.particles.avoiding import compare_masks
from napari_n2n.experiments.particles.cache import Cache
from napari_n2n.experiments.particles.markdown import as_markdown
from napari_n2n.experiments.particles.pick_scores import PickScore, best_threshold
from napari_n2n.experiments.particles.real import (
    BORDER_PX,
    KINDS,
    clicked,
    find_on_all_steps,
    marked_fields_steps,
)
from napari_n2n.io import Particles, write_micrograph
from napari_n2n.progress import Interrupted, Progress, run_to_end
from napari_n2n.simulation import SimulationConfig, build_scene


def test_what_is_close_to_the_border_counts_neither_way():
    picks = Particles([(50, 50), (5, 50), (20, 20)], scores=[0.9, 0.8, 0.3])
    true = np.array([(50.0, 52.0), (95.0, 50.0)])
    judged = PickScore.of(picks, true, (101, 101), tolerance_px=5, border_px=10)
    assert (judged.at(0.5).precision, judged.at(0.5).recall) == (1, 1)
    assert judged.at(0.1).precision == 0.5
    threshold, f1 = best_threshold([judged])
    assert f1 == 1
    assert 0.3 < threshold <= 0.9


def test_masks_are_compared_by_area():
    found, true = np.zeros((2, 10, 10), bool)
    found[:4], true[2:4] = True, True
    compared = compare_masks(found, true)
    assert compared.recall == 1
    assert compared.precision == compared.intersection_over_union == 0.5
    assert compare_masks(true * False, true * False).intersection_over_union == 1


def test_what_was_made_is_kept_for_equal_settings_only(tmp_path):
    made = []

    def make():
        made.append(1)
        yield Progress("making", 0, 1)
        return {"image": np.arange(3.0)}

    cache = Cache(tmp_path)
    for settings in ({"steps": 3}, {"steps": 3}, {"steps": 4}):
        kept = run_to_end(cache.get("a", settings, make))
        np.testing.assert_array_equal(kept["image"], np.arange(3.0))
    assert len(made) == 2
    for path in tmp_path.iterdir():
        path.write_bytes(b"torn")
    run_to_end(cache.get("a", {"steps": 3}, make))
    assert len(made) == 3
    run_to_end(Cache(None).get("a", {"steps": 3}, make))
    assert len(made) == 4


def test_the_command_writes_a_table_and_is_quick_the_second_time(tmp_path):
    arguments = ["assess-particles", "--case", "low-dose", "--size", "512", "--max-time", "1s"]
    arguments += ["--cache", str(tmp_path / "kept"), "-o", str(tmp_path / "report.md"), "-q"]
    first = CliRunner().invoke(app, arguments)
    assert first.exit_code == 0, first.output
    rows = [line.split("|") for line in first.output.splitlines() if "apoferritin" in line]
    assert [row[2].strip() for row in rows] == ["raw", "denoised"]
    assert all(0 <= float(row[6]) <= 1 for row in rows)
    assert (tmp_path / "report.md").read_text() == first.output
    kept = list((tmp_path / "kept").iterdir())
    again = CliRunner().invoke(app, arguments)
    assert again.output.endswith(first.output)
    assert "earlier result, and is replaced" in again.output
    assert list((tmp_path / "kept").iterdir()) == kept


def test_it_can_be_stopped_and_nothing_unfinished_is_kept(tmp_path):
    asked = []

    def stop():
        asked.append(1)
        return len(asked) > 3

    with pytest.raises(Interrupted):
        run_to_end(assess_steps(preset("quick"), Cache(tmp_path), size=512, stop=stop))
    assert not list(tmp_path.iterdir())


def test_unknown_cases_and_folders_are_told(tmp_path):
    result = CliRunner().invoke(app, ["assess-particles", "--case", "gold"])
    assert result.exit_code == 2
    missing = CliRunner().invoke(app, ["assess-particles", "--data", str(tmp_path / "none")])
    assert isinstance(missing.exception, UnreadableFile)
    with pytest.raises(UnreadableFile, match="too few"):
        run_to_end(marked_fields_steps(tmp_path, preset("quick"), Cache(None)))


@pytest.fixture(scope="module")
def marked(tmp_path_factory):
    """Two simulated fields laid out as the real ones are."""
    folder = tmp_path_factory.mktemp("data") / "apoferritin"
    (folder / "coordinates").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for seed, name in enumerate(("one", "two")):
        config = SimulationConfig(
            shape=(720, 800), pixel_size_angstrom=1.5, n_particles=26, seed=seed, broken_fraction=0
        )
        truth = build_scene(config).truth
        for kind, noise in (("frame", 1.0), ("rest", 0.3)):
            image = truth.clean / truth.clean.std() + noise * rng.standard_normal(config.shape)
            write_micrograph(folder / f"{name}_{kind}.mrc", image.astype(np.float32), 1.5)
        with (folder / "coordinates" / f"{name}.csv").open("w", newline="") as handle:
            table = csv.writer(handle)
            table.writerow(("x_px", "y_px"))
            keep = np.array(truth.labels) != "contaminant"
            table.writerows((x, y) for y, x in truth.centres_px[keep])
    return folder


def test_fields_laid_out_like_the_real_ones_are_judged(marked, tmp_path):
    training = preset("quick").replaced(steps=3)
    fields = run_to_end(marked_fields_steps(marked, training, Cache(tmp_path)))
    assert [field.name for field in fields] == ["one", "two"]
    assert set(fields[0].images) == set(KINDS)
    # Two folds, each of two kinds: four trainings.
    assert len(list(tmp_path.iterdir())) == 4
    for template in (0, 1, None):
        finding = run_to_end(find_on_all_steps(fields, "rest raw", template))
        assert finding.mean_f1 > 0.8
        assert finding.best_f1 >= finding.mean_f1 - 0.02
        assert min(judged.found_px.min() for judged in finding.judged) >= BORDER_PX
    clicks = clicked(fields[0])
    assert len(clicks) == 10
    assert all((fields[0].centres_px == click).all(axis=1).any() for click in clicks)
    with pytest.raises(NotEnoughData):
        clicked(fields[0], count=100)
    report = run_to_end(assess_steps(training, Cache(tmp_path), data=marked.parent, cases=()))
    text = as_markdown(report)
    means = next(line for line in text.splitlines() if line.startswith("| **mean**"))
    raw = run_to_end(find_on_all_steps(fields, "rest raw", 0))
    assert f"**{raw.mean_f1:.3f}**" in means
    assert len(list(tmp_path.iterdir())) == 4  # all came from the cache
