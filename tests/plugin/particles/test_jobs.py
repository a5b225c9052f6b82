"""Finding, suggesting, keeping and exporting, without a window."""

import numpy as np
import pytest

from napari_n2n.errors import UnreadableFile, WriteProblem
from napari_n2n.export.particle_files import read_picks, write_picks
from napari_n2n.io import MicrographParticles, Particles, read_coordinates, write_coordinates
from napari_n2n.plugin.shared.export_form import ExportChoice
from napari_n2n.progress import Interrupted, run_to_end
from napari_n2n.session import ParticleMarks, Session
from napari_n2n.workflow import find_particles as finding
from napari_n2n.workflow import suggest_labels as suggesting
from napari_n2n.workflow.fields_of_view import DenoisedMicrograph
from napari_n2n.workflow.suggest_labels import DescriptorCache

SIDE = 400
CENTRES = np.array([(60 + 70 * i, 60 + 70 * j) for i in range(5) for j in range(5)], float)


@pytest.fixture(scope="module")
def micrograph() -> DenoisedMicrograph:
    """Dark rings; those of every second particle are half gone."""
    y, x = np.mgrid[:SIDE, :SIDE]
    image = np.random.default_rng(0).normal(0, 0.05, (SIDE, SIDE)).astype(np.float32)
    for number, (cy, cx) in enumerate(CENTRES):
        ring = np.exp(-(((np.hypot(y - cy, x - cx) - 14) / 4) ** 2))
        image -= (ring * ((x > cx) | (number % 2 == 0))).astype(np.float32)
    return DenoisedMicrograph(image, None)


def marked(count: int) -> Particles:
    """Return all particles, the first ``count`` of each kind marked."""
    labels = np.full(len(CENTRES), "unlabelled", "U11")
    labels[0 : 2 * count : 2], labels[1 : 2 * count : 2] = "intact", "broken"
    given = np.where(labels == "unlabelled", "picker", "person")
    return Particles(CENTRES, labels, given_by=given)


def test_lengths_are_pixels_where_the_pixel_size_is_unknown(micrograph):
    found = run_to_end(finding.find_particles_steps(micrograph, 40.0))
    nearest = np.hypot(*(CENTRES[:, None] - found.particles.centres_px[None]).T).min(axis=0)
    assert (nearest < 10).all()
    assert found.particles.scores.min() < found.threshold < found.particles.scores.max()
    calibrated = DenoisedMicrograph(micrograph.pixels, 2.0)
    same = run_to_end(finding.find_particles_steps(calibrated, 80.0))
    np.testing.assert_allclose(same.particles.centres_px, found.particles.centres_px)


def test_nothing_is_found_where_it_is_to_be_avoided(micrograph):
    avoid = np.zeros((SIDE, SIDE), bool)
    avoid[:, : SIDE // 2] = True
    found = run_to_end(finding.find_particles_steps(micrograph, 40.0, avoid=avoid))
    assert found.avoided is avoid
    assert (found.particles.centres_px[:, 1] >= SIDE // 2 - 1).all()
    everywhere = run_to_end(finding.find_particles_steps(micrograph, 40.0, avoid=False))
    assert everywhere.avoided is None


def test_what_does_not_stand_out_of_the_recorded_noise_is_left_out_and_counted(micrograph):
    noise = np.random.default_rng(1).normal(size=micrograph.pixels.shape).astype(np.float32)
    clear = DenoisedMicrograph(micrograph.pixels, None, micrograph.pixels + noise)
    faint = DenoisedMicrograph(micrograph.pixels / 50, None, noise)
    found = run_to_end(finding.find_particles_steps(clear, 40.0))
    assert (found.left_out, found.left_out_sentence) == (0, "")
    none = run_to_end(finding.find_particles_steps(faint, 40.0))
    assert not (none.particles.scores >= none.threshold).any()
    unchecked = run_to_end(
        finding.find_particles_steps(DenoisedMicrograph(faint.pixels, None), 40.0)
    )
    assert none.left_out == (unchecked.particles.scores >= unchecked.threshold).sum() > 0
    assert str(none.left_out) in none.left_out_sentence


def test_a_search_can_be_stopped(micrograph):
    with pytest.raises(Interrupted):
        run_to_end(finding.find_particles_steps(micrograph, 40.0, stop=lambda: True))


def test_five_marks_of_each_kind_label_the_rest(micrograph, tmp_path):
    with Session.open(tmp_path / "s.sqlite") as session:
        number = session.micrographs.find_or_add("m", shape=(SIDE, SIDE), pixel_size_angstrom=None)
        known = DescriptorCache()

        def suggest(particles):
            ids = session.marks.particles(number).ids
            steps = suggesting.suggest_steps(micrograph, 40.0, ids, particles, session, known)
            return run_to_end(steps)

        assert "Pick particles" in suggest(Particles.none()).sentence
        session.marks.add(number, marked(0))
        unmarked = suggest(session.marks.particles(number).particles)
        assert len(unmarked.ids) == 0
        assert "five of each" in unmarked.sentence
        session.marks.delete(number, session.marks.particles(number).ids)
        session.marks.add(number, marked(4))
        assert "1 more intact and 1 more broken" in suggest(marked(4)).sentence
        session.marks.delete(number, session.marks.particles(number).ids)
        session.marks.add(number, marked(5))
        found = suggest(marked(5))
        truth = np.where(np.arange(10, len(CENTRES)) % 2 == 0, "intact", "broken")
        assert found.ids.tolist() == session.marks.particles(number).ids[10:].tolist()
        assert np.mean(found.labels == truth) >= 0.9
        # The next micrograph of the specimen needs no marks.
        other = session.micrographs.find_or_add("n", shape=(SIDE, SIDE), pixel_size_angstrom=None)
        session.marks.add(other, Particles(CENTRES))
        ids = session.marks.particles(other).ids
        steps = suggesting.suggest_steps(
            micrograph, 40.0, ids, Particles(CENTRES), session, DescriptorCache()
        )
        assert len(run_to_end(steps).ids) == len(CENTRES)


def test_a_guess_can_be_stopped_and_tells_how_far_it_is(micrograph):
    steps = list(finding.guess_diameter_steps(micrograph))
    assert steps[-1].done > len(steps) / 2
    with pytest.raises(Interrupted):
        run_to_end(finding.guess_diameter_steps(micrograph, stop=lambda: True))


def test_what_was_described_is_not_described_again(micrograph, tmp_path, monkeypatch):
    from napari_n2n.particles import descriptors

    described = []
    real = descriptors.Describer.describe

    def counting(self, centres, **more):
        described.append(len(centres))
        return real(self, centres, **more)

    monkeypatch.setattr(descriptors.Describer, "describe", counting)
    kept = []
    remember = ParticleMarks.remember
    monkeypatch.setattr(
        ParticleMarks,
        "remember",
        lambda self, ids, *more, **also: (
            kept.append(len(ids)),
            remember(self, ids, *more, **also),
        ),
    )
    with Session.open(tmp_path / "s.sqlite") as session:
        number = session.micrographs.find_or_add("m", shape=(SIDE, SIDE), pixel_size_angstrom=None)
        session.marks.add(number, marked(5))
        ids, known = session.marks.particles(number).ids, DescriptorCache()
        places = CENTRES.copy()
        places[0] += 1
        moved = marked(5).replaced(centres_px=places)
        for particles in (marked(5), marked(5), moved):
            run_to_end(suggesting.suggest_steps(micrograph, 40.0, ids, particles, session, known))
    assert described == [25, 1]
    assert kept == [10, 1]


def test_a_file_of_many_micrographs_gives_the_one_that_is_shown(tmp_path):
    tables = [MicrographParticles(Particles([(n, n)]), f"Movies/m{n}.mrc", 1.0) for n in range(3)]
    star = tmp_path / "all.star"
    write_coordinates(star, tables)
    found, sentence = read_picks(star, (10, 10), ["m2.mrc"])
    assert found.centres_px.tolist() == [[2, 2]]
    assert sentence == "1 particles from all.star."
    with pytest.raises(UnreadableFile, match="3 micrographs"):
        read_picks(star, (10, 10), ["other.mrc"])


def test_what_lies_outside_the_micrograph_is_left_out_and_told(tmp_path):
    star = tmp_path / "m.star"
    inside = Particles([(5, 5), (50, 5)])
    write_coordinates(star, [MicrographParticles(inside, "m.mrc", 1.0)])
    found, sentence = read_picks(star, (10, 10), [])
    assert len(found) == 1
    assert "1 outside" in sentence


def test_an_export_holds_the_chosen_labels_mirrored_if_wished(tmp_path):
    particles = Particles([(1, 2), (3, 4)], labels=["intact", "broken"])
    star = tmp_path / "out.star"
    sentence = write_picks(
        star,
        particles,
        ExportChoice(labels=frozenset({"intact"}), micrograph="m.mrc", mirror_y=True),
        shape=(10, 10),
        pixel_size_angstrom=1.5,
        diameter_angstrom=100.0,
    )
    assert "1 particles (intact)" in sentence
    (table,) = read_coordinates(star)
    assert table.particles.centres_px.tolist() == [[8, 2]]
    assert table.pixel_size_angstrom == 1.5


def test_marks_lie_beside_the_file_or_in_the_user_s_folder(tmp_path, data_folder, monkeypatch):
    from napari.layers import Image

    from napari_n2n.plugin.particles import sessions as keeping
    from napari_n2n.plugin.shared.layers import KEY, LayerMemory

    file = tmp_path / "data" / "m.mrc"
    file.parent.mkdir()
    file.touch()
    pixels = np.zeros((8, 8), np.float32)
    opened = Image(pixels, name="m", metadata={KEY: LayerMemory("micrograph", path=file)})
    nameless = Image(pixels, name="drawn")
    sessions = keeping.SessionHandles()
    session, number, note = sessions.session_for(opened)
    assert session.path == file.parent / "napari-n2n.sqlite"
    assert note == ""
    assert sessions.session_for(opened)[:2] == (session, number)
    other, _, _ = sessions.session_for(nameless)
    assert data_folder in other.path.parents
    # Another picture may be of another specimen: neither its size nor its marks apply here.
    third, _, _ = sessions.session_for(Image(pixels, name="drawn too"))
    assert third.path != other.path
    sessions.close()

    real = Session.open

    def refuse(path):
        if path.parent == file.parent:
            raise WriteProblem(path, "is read-only", "Keep it elsewhere.")
        return real(path)

    for patched in (
        ("napari_n2n.session.session.Session.open", refuse),
        # It is there, and can be read: marks still need a place.
        ("napari_n2n.session.database._may_be_written", lambda path: path.parent != file.parent),
    ):
        with monkeypatch.context() as patching:
            patching.setattr(*patched)
            fallback, _, note = sessions.session_for(opened)
        assert data_folder in fallback.path.parents
        assert "read-only" in note
        sessions.close()


def test_the_area_to_avoid_is_one_in_both_panes(make_napari_viewer):
    from napari_n2n.plugin.particles.avoid_layers import AvoidLayers
    from napari_n2n.plugin.shared.compare import Comparison

    viewer = make_napari_viewer()
    images = [viewer.add_image(np.zeros((20, 20)), name=name) for name in ("raw", "den")]
    layers = AvoidLayers(viewer, Comparison.of(viewer))
    area = np.zeros((20, 20), bool)
    layers.show(images, area)
    assert layers.area is None
    area[:5] = True
    layers.show(images, area)
    np.testing.assert_array_equal(layers.area, area)
    first, second = (viewer.layers[f"avoid ({name})"] for name in ("raw", "den"))
    refreshed = []
    first.events.set_data.connect(lambda _: refreshed.append(first))
    second.paint((10, 10), 1)
    assert first.data[10, 10] == 1
    assert refreshed
    assert layers.area[10, 10]
    # Deleted in one pane, it is gone: the next pick looks for it anew.
    viewer.layers.remove(second)
    assert first not in viewer.layers
    assert layers.area is None
    layers.disconnect_layers()
