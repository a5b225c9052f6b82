import numpy as np
import pytest
from scipy import ndimage

from napari_n2n.errors import BadValue, NotEnoughData
from napari_n2n.particles.descriptors import describe
from napari_n2n.particles.examples import Examples, load_examples, save_examples
from napari_n2n.particles.label_suggestions import Classifier
from napari_n2n.simulation import SimulationConfig, build_scene

MARKABLE = ("intact", "broken", "contaminant")


def clouds(counts, width=20, gap=2.0, seed=0):
    """Return `counts` points of each label; clouds that overlap a little."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(MARKABLE[: len(counts)], counts)
    middle = np.array([MARKABLE.index(label) for label in labels])[:, None]
    values = rng.normal(size=(len(labels), width)) + gap * middle * (np.arange(width) < 5)
    return Examples(values.astype(np.float32), labels, "test", 120.0)


@pytest.fixture(scope="module")
def shells():
    """Return descriptors and labels of shells on two micrographs, half of them broken."""
    values, labels = [], []
    for seed in range(2):
        config = SimulationConfig(
            shape=(640, 640), pixel_size_angstrom=3.0, broken_fraction=0.5, seed=seed
        )
        truth = build_scene(config).truth
        # What is left of the noise after denoising is smooth, as the image is.
        rng = np.random.default_rng(seed)
        noise = ndimage.gaussian_filter(rng.normal(size=truth.clean.shape), 2.0)
        image = ndimage.gaussian_filter(truth.clean, 1.3)
        image = image + noise * (0.3 * image.std() / noise.std())
        inside = ((truth.centres_px > 20) & (truth.centres_px < 619)).all(axis=1)
        found = np.array(truth.labels)
        kept = inside & (found != "contaminant")
        picks = truth.centres_px[kept] + rng.uniform(-1, 1, (kept.sum(), 2))  # ±3 Å
        values.append(describe(image.astype(np.float32), 3.0, picks, 120.0))
        labels.append(found[kept])
    return values, labels


def marked(descriptors, labels, count, rng):
    rows = [rng.choice(np.flatnonzero(labels == k), count, replace=False) for k in MARKABLE[:2]]
    chosen = np.concatenate(rows)
    return chosen, Examples(descriptors.values[chosen], labels[chosen], descriptors.kind, 120.0)


def balanced(labels, suggested):
    return np.mean([np.mean(suggested[labels == k] == k) for k in np.unique(labels)])


def test_ten_marks_of_each_label_teach_intact_from_broken(shells):
    (here, there), (labels, other_labels) = shells
    rng = np.random.default_rng(0)
    rest, next_micrograph = [], []
    for _ in range(10):
        chosen, examples = marked(here, labels, 10, rng)
        classifier = Classifier.learnt(examples)
        left = np.setdiff1d(np.arange(len(labels)), chosen)
        rest.append(balanced(labels[left], classifier.suggest(here.values[left]).labels))
        suggested = classifier.suggest(there.values).labels
        next_micrograph.append(balanced(other_labels, suggested))
    assert np.mean(rest) >= 0.95
    assert np.mean(next_micrograph) >= 0.93


def test_the_same_marks_give_the_same_suggestions(shells):
    (here, there), (labels, _) = shells
    _, examples = marked(here, labels, 8, np.random.default_rng(1))
    first, second = (Classifier.learnt(examples).suggest(there.values) for _ in range(2))
    np.testing.assert_array_equal(first.labels, second.labels)
    np.testing.assert_array_equal(first.probabilities, second.probabilities)
    assert Classifier.learnt(examples).sentence == Classifier.learnt(examples).sentence


def test_a_classifier_from_disk_suggests_the_same(shells, tmp_path):
    (here, there), (labels, _) = shells
    _, examples = marked(here, labels, 8, np.random.default_rng(2))
    save_examples(tmp_path / "c.safetensors", examples)
    before = Classifier.learnt(examples).suggest(there.values)
    after = Classifier.learnt(load_examples(tmp_path / "c.safetensors")).suggest(there.values)
    np.testing.assert_array_equal(after.probabilities, before.probabilities)


@pytest.mark.parametrize(
    ("counts", "missing"),
    [
        ((0, 0), "5 more intact and 5 more broken"),
        ((7, 3), "Mark 2 more broken"),
        ((4, 1), "1 more intact and 4 more broken"),
        ((0, 9, 2), "Mark 3 more contaminant"),
    ],
)
def test_too_few_marks_say_which_are_missing(counts, missing):
    with pytest.raises(NotEnoughData, match=missing):
        Classifier.learnt(clouds(counts))


def test_a_label_with_few_marks_is_not_suggested_and_that_is_said():
    classifier = Classifier.learnt(clouds((10, 10, 3)))
    assert set(classifier.suggest(clouds((5, 5, 50), seed=1).values).labels) <= {
        "intact",
        "broken",
    }
    assert "Contaminant is never suggested: 3 of 5 marks" in classifier.sentence


def test_three_labels_are_told_apart():
    test = clouds((50, 50, 50), width=8, seed=1)
    suggested = Classifier.learnt(clouds((10, 10, 10), width=8)).suggest(test.values)
    assert balanced(test.labels, suggested.labels) > 0.9


def test_probabilities_can_be_believed():
    """Of those called 80 to 95 % sure, about that share is right; the surest are."""
    test = clouds((2000, 2000), gap=0.6, seed=1)
    suggested = Classifier.learnt(clouds((150, 150), gap=0.6)).suggest(test.values)
    right = suggested.labels == test.labels
    assert suggested.probabilities.min() >= 0.5
    some = (suggested.probabilities > 0.8) & (suggested.probabilities < 0.95)
    assert some.sum() > 100
    assert abs(right[some].mean() - suggested.probabilities[some].mean()) < 0.12
    least, most = np.argsort(suggested.uncertainty)[[-500, 500]]
    order = np.argsort(suggested.uncertainty)
    assert right[order[:500]].mean() > right[order[-500:]].mean() + 0.2
    assert suggested.uncertainty[least] > suggested.uncertainty[most]


def test_marks_that_mean_nothing_are_not_praised():
    rng = np.random.default_rng(0)
    noise = Examples(
        rng.normal(size=(120, 20)), np.array(MARKABLE[:2])[rng.integers(0, 2, 120)], "test", 120.0
    )
    classifier = Classifier.learnt(noise)
    assert 0.3 < classifier.balanced_accuracy < 0.65
    assert f"{classifier.balanced_accuracy:.2f} ± 0.0" in classifier.sentence


def test_five_marks_each_are_too_few_to_say_how_good():
    few, more = Classifier.learnt(clouds((5, 5))), Classifier.learnt(clouds((20, 20)))
    assert "Too few marks (5 intact and 5 broken) to say" in few.sentence
    assert more.says_enough
    assert "20 intact and 20 broken" in more.sentence


def test_what_it_says_of_itself_is_what_it_reaches():
    classifier = Classifier.learnt(clouds((60, 60), gap=0.7))
    test = clouds((1000, 1000), gap=0.7, seed=1)
    reached = balanced(test.labels, classifier.suggest(test.values).labels)
    assert abs(reached - classifier.balanced_accuracy) < 3 * classifier.standard_error + 0.02


def test_marking_one_label_more_eagerly_does_not_favour_it():
    test = clouds((500, 500), gap=0.7, seed=1)
    classifier = Classifier.learnt(clouds((200, 20), gap=0.7))
    share = np.mean(classifier.suggest(test.values).labels == "intact")
    assert 0.35 < share < 0.68


def test_descriptors_that_never_change_do_no_harm():
    examples = clouds((8, 8))
    values = examples.values.copy()
    values[:, 7] = 1e5
    test = clouds((30, 30), seed=1)
    shifted = test.values.copy()
    shifted[:, 7] = -3.0
    same = Examples(values, examples.labels, "test", 120.0)
    suggested = Classifier.learnt(same).suggest(shifted)
    assert balanced(test.labels, suggested.labels) > 0.85


def test_nothing_to_suggest_is_nothing_suggested():
    assert len(Classifier.learnt(clouds((5, 5))).suggest(np.empty((0, 20), np.float32))) == 0


def test_descriptors_of_another_length_are_refused():
    with pytest.raises(BadValue, match="Describe the particles again"):
        Classifier.learnt(clouds((5, 5))).suggest(np.zeros((3, 19), np.float32))
