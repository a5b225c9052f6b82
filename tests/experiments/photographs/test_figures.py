import pytest

from napari_n2n.experiments.photographs.figures import (
    bias_table,
    claim_table,
    first_table,
    progress_table,
    published_table,
    white_noise_psnr,
)
from napari_n2n.experiments.photographs.settings import DEVIATIONS


@pytest.fixture
def found():
    """Return what stages would find if every method gained what its length says."""
    stages = {}
    for sigma in DEVIATIONS:
        noisy = white_noise_psnr(sigma)
        for name, gain in (("ours", 8.0), ("thorough", 8.1), ("nlm", 5.0)):
            stages[f"psnr-{name}-{sigma}"] = {"psnr_db": noisy + gain, "noisy_psnr_db": noisy}
    for count in (10, 2, 100):
        for targets, less in (("noisy", 0.05), ("clean", 0.0)):
            decibels = {"25": 30 + count / 100 - less, "50": 27.0 - less}
            stages[f"claim-{count}-{targets}"] = {"psnr_db": decibels}
    judged = {"psnr_db": 20.0, "bias": 20.1, "bias_shadows": None, "bias_lights": -1.04}
    stages["bias-zero-mean"] = {"mean": 0.0, "25": judged, "50": judged}
    stages["bias-nonzero-mean"] = {"mean": 20.0, "25": judged, "50": judged}
    stages["bias-clipped"] = {
        "mean": 0.0, "25": judged, "50": judged, "25 by zero mean": judged,
    }  # fmt: skip
    return stages


def column(table, title):
    head, rows = table
    return {row[0]: row[head.index(title)] for row in rows}


def test_white_noise_has_the_psnr_that_the_issue_says():
    assert white_noise_psnr(10) == pytest.approx(28.13, abs=0.005)


def test_the_first_table_has_the_papers_figures_beside_ours(found):
    table = first_table(found)
    assert column(table, "its gain") == {
        "10": "+2.56", "15": "–", "20": "+3.26", "25": "–", "40": "+2.70", "50": "–", "70": "+1.26",
    }  # fmt: skip
    assert column(table, "noisy")["10"] == "28.13"
    assert set(column(table, "gain of ours").values()) == {"+8.00"}
    assert column(table, "non-local means")["70"] == "16.23"
    assert "BM3D" not in table[0]


def test_what_is_missing_to_the_literature_is_told(found):
    table = published_table(found)
    assert column(table, "σ = 25, dB")["DnCNN"] == "31.24"
    assert column(table, "σ = 25, dB")["ours less DnCNN"] == "−3.07"
    assert column(table, "σ = 25, dB")["ours, in eight ways less DnCNN"] == "−2.97"


def test_noisy_and_clean_targets_are_compared_by_number(found):
    head, rows = claim_table(found)
    assert [row[0] for row in rows] == ["2", "10", "100"]
    assert column((head, rows), "noisy less clean, dB") == dict.fromkeys(
        ("2", "10", "100"), "−0.05"
    )


def test_biases_are_told_where_they_are_known(found):
    head, rows = bias_table(found)
    assert len(rows) == 7
    assert {row[0] for row in rows} == {
        "zero mean", "mean 20", "clipped", "clipped; trained on zero mean",
    }  # fmt: skip
    assert {row[head.index("bias (of 255)")] for row in rows} == {"+20.1"}
    assert {row[head.index("in shadows")] for row in rows} == {"–"}
    assert {row[head.index("in lights")] for row in rows} == {"−1.0"}


def test_longer_training_is_told_in_minutes():
    points = [{"steps": 1000, "seconds": 90.0, "psnr_db": {"25": 28.5, "50": 25.0}}]
    assert progress_table(points)[1] == [("1,000", "1.5", "28.50", "25.00")]
