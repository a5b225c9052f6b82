"""One score from the figures, and its reasons."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from napari_n2n.quality import FIGURES, calibrated_overall, overall
from napari_n2n.quality.scoring import RULES, scores

FINE = {
    "contaminated_percent": 1.0,
    "empty_percent": 2.0,
    "structure": 4.0,
    "blotches": 0.5,
    "drift_total_angstrom": 15.0,
    "resolution_angstrom": 12.0,
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_worse_figure_never_helps(rule):
    values = np.geomspace(rule.half / 100, rule.half * 100, 50)
    scores = [overall({**FINE, rule.name: value}).value for value in values]
    steps = np.diff(scores)
    wanted = {"low": steps <= 0, "high": steps >= 0}[FIGURES[rule.name].better]
    assert wanted.all()
    assert max(scores) - min(scores) > 25


def test_every_figure_that_has_a_better_end_counts_or_is_part_of_one_that_does():
    judged = {rule.name for rule in RULES}
    better = {name for name, figure in FIGURES.items() if figure.better != "neither"}
    # Early drift is part of the total, the number of particles of their density; SNR is resolution.
    assert better - judged == {"score", "drift_early_angstrom", "particles", "snr"}


def test_a_fine_micrograph_scores_high_and_has_nothing_to_be_told():
    score = overall(FINE)
    assert score.value > 85
    assert len(score.reasons) <= 1


def test_reasons_are_in_words_and_the_heaviest_comes_first():
    score = overall({**FINE, "contaminated_percent": 31.2, "drift_total_angstrom": 80.0})
    assert score.value < 60
    assert score.reasons[:2] == ("contamination over 31 % of the area", "drifted 80 Å")


def test_what_is_unknown_does_not_count():
    with_nan = {**FINE, "broken_percent": np.nan, "score": 3.0, "something else": 1e9}
    assert overall(with_nan) == overall(FINE)


def test_many_are_scored_as_one_is():
    names = [rule.name for rule in RULES]
    values = np.random.default_rng(0).uniform(0, 100, (30, len(names)))
    values[values < 15] = np.nan
    values[:2] = np.nan
    together = scores(dict(zip(names, values.T, strict=True)))
    alone = [overall(dict(zip(names, row, strict=True))).value for row in values]
    np.testing.assert_allclose(together, alone)


@pytest.mark.parametrize("value", [0.0, -3.0, np.inf])
def test_values_beyond_sense_give_a_score_within_it(value):
    for rule in RULES:
        assert 0 <= overall({rule.name: value}).value <= 100


def test_nothing_known_gives_no_score():
    score = overall({"brightness": 40.0, "drift_total_angstrom": np.nan})
    assert np.isnan(score.value)
    assert score.reasons == ()


@pytest.fixture
def session():
    """200 micrographs: half of them dark, half of those contaminated."""
    dice = np.random.default_rng(0)
    return {
        "structure": dice.uniform(1.0, 5.0, 200),
        "contaminated_percent": np.where(np.arange(200) % 2, 2.0, 40.0),
        "brightness": np.where(np.arange(200) % 4 < 2, 40.0, 20.0) + dice.normal(0, 1, 200),
    }


def scores_of(figures):
    n = len(figures["brightness"])
    return np.array([overall({k: v[i] for k, v in figures.items()}).value for i in range(n)])


def verdicts_of(kept, count):
    """Verdicts on the first ``count`` micrographs."""
    given = np.where(kept, "keep", "reject")
    given[count:] = "undecided"
    return given


@pytest.mark.parametrize("count", [0, 19])
def test_fewer_than_twenty_verdicts_teach_nothing(session, count):
    kept = session["brightness"] > 30
    assert calibrated_overall(session, verdicts_of(kept, count)) is None


def test_verdicts_of_one_kind_teach_nothing(session):
    assert calibrated_overall(session, np.full(200, "keep")) is None


def test_a_user_who_agrees_is_left_the_same_order(session):
    before = scores_of(session)
    after = calibrated_overall(session, verdicts_of(before > 75, 40))(session)
    unseen = slice(40, None)
    assert ((before > 75) == (after > 50))[unseen].mean() > 0.9
    assert spearmanr(before, after).statistic > 0.8


def test_it_learns_what_only_this_user_knows(session):
    """Thick ice is rejected: brightness is a figure that the score itself does not judge."""
    kept = session["brightness"] > 30
    after = calibrated_overall(session, verdicts_of(kept, 120))(session)
    unseen = slice(120, None)
    assert (after[unseen] > 50)[kept[unseen]].mean() > 0.9
    assert (after[unseen] < 50)[~kept[unseen]].mean() > 0.9
    few = calibrated_overall(session, verdicts_of(kept, 20))(session)
    assert np.abs(few - scores_of(session)).mean() < np.abs(after - scores_of(session)).mean()


def test_calibrated_scores_of_unknown_figures_are_unknown(session):
    session["structure"][7] = session["contaminated_percent"][7] = np.nan
    session["snr"] = np.full(200, np.nan)
    score = calibrated_overall(session, verdicts_of(session["brightness"] > 30, 100))
    after = score(session)
    assert np.isnan(after[7])
    assert np.isfinite(np.delete(after, 7)).all()
    assert ((np.delete(after, 7) >= 0) & (np.delete(after, 7) <= 100)).all()
    one = score({"structure": [3.0], "contaminated_percent": [1.0]})  # no brightness at all
    assert one.shape == (1,)
    assert np.isfinite(one).all()
