"""The report: what it tells, that it needs nothing else, that nothing in a session breaks it."""

import base64
import io
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from napari_n2n.errors import WriteProblem
from napari_n2n.export.report import write_report
from napari_n2n.session import Session

from .night import Night

VOID = {"meta", "br", "img", "link", "input", "hr"}
CLOSED = {"path", "rect", "polyline"}


class Page(HTMLParser):
    """What a browser would make of a page: its text, its elements, whether all were closed."""

    def __init__(self, path):
        super().__init__()
        self.words, self.elements, self._open = [], [], []
        self.feed(path.read_text("utf-8"))
        assert not self._open

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        assert tag in VOID | CLOSED

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if self._open and self._open[-1] != "style":
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture
def target(tmp_path):
    return tmp_path / "report.html"


def test_it_tells_how_many_were_kept_and_why_others_were_not(night: Night, target):
    written = write_report(target, night.session)
    page = Page(target)
    assert written.count == 6
    assert "6 micrographs" in written.sentence
    assert "6 micrographs 5 judged 4 kept (80 %) 1 rejected (20 %)" in page.text
    assert "12 particles on the kept, 8 intact" in page.text
    assert "Why rejected drift 1 (100 %)" in page.text
    assert "judged by Ada" in page.text
    assert page.text.startswith("Screening of Movies")


def test_it_needs_no_other_file_and_runs_nothing(night: Night, target, tmp_path):
    Image.new("L", (256, 256), 90).save(tmp_path / "t.png")
    write_report(target, night.session, thumbnail_of=lambda _: tmp_path / "t.png")
    page = Page(target)
    assert not page.all("script")
    assert not page.all("link")
    for _, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("src", "href"):
            assert (attributes.get(name) or "data:").startswith("data:")
    assert "url(" not in target.read_text("utf-8")
    (policy,) = (m["content"] for m in page.all("meta") if m.get("http-equiv"))
    assert "default-src 'none'" in policy


def test_thumbnails_are_small_and_in_the_page(night: Night, target, tmp_path):
    picture = np.tile(np.linspace(0, 255, 600).astype(np.uint8), (300, 1))
    Image.fromarray(picture).save(tmp_path / "t.png")
    shown = night.files[:1]

    def thumbnail_of(file):
        return tmp_path / "t.png" if file in shown else tmp_path / "gone.png"

    write_report(target, night.session, thumbnail_of=thumbnail_of)
    pictures = Page(target).all("img")
    assert {picture["alt"] for picture in pictures} == {"m0.mrc"}
    data = base64.b64decode(pictures[0]["src"].partition("base64,")[2])
    with Image.open(io.BytesIO(data)) as image:
        assert max(image.size) == 180
        row = np.asarray(image.convert("L"), float)[20]
    assert row[0] < 10
    assert row[-1] > 245


def test_a_file_that_is_no_picture_leaves_its_place_empty(night: Night, target, tmp_path):
    (tmp_path / "t.png").write_bytes(b"\x89PNG, half wri")
    write_report(target, night.session, thumbnail_of=lambda _: tmp_path / "t.png")
    assert not Page(target).all("img")


def test_the_best_come_first_and_the_worst_too(night: Night, target):
    for i, micrograph in enumerate(night.ids.tolist()):
        night.session.micrographs.set_figures(micrograph, {"score": [50, 90, 70, 10, 30, 20][i]})
    write_report(target, night.session)
    text = Page(target).text
    best, worst = (re.findall(r"m\d\.mrc", part)[:3] for part in text.split("Worst")[:2])
    assert best == ["m1.mrc", "m2.mrc", "m0.mrc"]
    assert worst == ["m3.mrc", "m5.mrc", "m4.mrc"]


def test_verdicts_against_the_score_are_shown_again(night: Night, target):
    for i, micrograph in enumerate(night.ids.tolist()):
        night.session.micrographs.set_figures(micrograph, {"score": [80, 85, 90, 20, 70, 50][i]})
    night.session.verdicts.give(night.ids[5:], "reject", reason="drift")
    write_report(target, night.session)
    again = Page(target).text.partition("Worth a second look")[2].partition("Settings")[0]
    assert re.findall(r"m\d\.mrc", again) == ["m3.mrc"]
    assert "Kept, with a low score" in again
    night.session.verdicts.give(night.ids[4:5], "keep")
    write_report(target, night.session)
    assert "Rejected, with a high score" not in Page(target).text


def test_scores_that_were_not_kept_are_made_of_the_figures(night: Night, target):
    good, bad = night.ids[:2].tolist()
    night.session.micrographs.set_figures(
        good, {"drift_total_angstrom": 5.0, "contaminated_percent": 0.0}
    )
    night.session.micrographs.set_figures(
        bad, {"drift_total_angstrom": 5.0, "contaminated_percent": 80.0}
    )
    write_report(target, night.session)
    worst = Page(target).text.partition("Worst")[2]
    assert re.findall(r"m\d\.mrc", worst)[0] == "m1.mrc"
    assert "contamination over 80 % of the area" in worst


def test_what_failed_is_named_with_its_fault(night: Night, target):
    torn = night.session.micrographs.add_files([night.files[0].with_name("torn.mrc")])
    night.session.micrographs.set_state(
        int(torn[0]), "failed", "torn.mrc ends in the middle of frame 3."
    )
    write_report(target, night.session)
    assert "Not processed: 1 file torn.mrc torn.mrc ends in the middle of frame 3." in (
        Page(target).text
    )


def test_settings_and_versions_are_there(night: Night, target):
    night.session.set_setting("diameter_angstrom", 120)
    write_report(target, night.session, settings={"model": "general", "gain": None})
    text = Page(target).text
    for told in ("model general", "gain none", "particle diameter 120 Å", "napari-n2n", "numpy"):
        assert told in text
    assert str(night.session.path) in text


def test_odd_names_and_reasons_are_text(night: Night, target):
    odd = night.session.micrographs.add_files([night.files[0].with_name("<script>a&b.mrc")])
    night.session.micrographs.set_state(int(odd[0]), "failed", "</td><script>alert(1)</script>")
    night.session.verdicts.give(
        night.ids[:1], "reject", reason='<img src="http://x">', given_by="<Eve>"
    )
    write_report(target, night.session, settings={"<u>": "<s>"})
    page = Page(target)
    assert not page.all("script")
    assert not page.all("img")
    assert "<script>a&b.mrc" in page.text
    assert '<img src="http://x">' in page.text


@pytest.mark.parametrize("known", ["nothing", "one file", "no times"])
def test_a_session_with_little_in_it_has_a_report(known, tmp_path, target):
    with Session.open(tmp_path / "s.sqlite") as session:
        if known == "one file":
            session.micrographs.add_files([tmp_path / "a.mrc"])
        if known == "no times":
            for i, number in enumerate(
                session.micrographs.add_files([tmp_path / f"{i}.mrc" for i in range(3)])
            ):
                session.micrographs.set_figures(int(number), {"drift_total_angstrom": 3.0 + i})
        write_report(target, session)
    text = Page(target).text
    assert {"nothing": "0 micrographs", "one file": "1 micrograph", "no times": "3"}[known] in text
    assert ("In the order in which they were added." in text) == (known == "no times")


def test_the_night_is_drawn_over_its_hours(night: Night, target):
    write_report(target, night.session)
    page = Page(target)
    assert "By the files' times." in page.text
    # So few have no median that would tell anything.
    assert "median" not in page.text
    assert {svg["aria-label"] for svg in page.all("svg")} >= {"Drift (Å)", "Resolution (Å)"}
    assert re.search(r"files of 1[45] Nov 2023 \d\d:\d\d to", page.text)


def test_it_appears_whole_or_not_at_all(night: Night, target, tmp_path):
    target.write_text("yesterday's")
    before = sorted(tmp_path.iterdir())

    def thumbnail_of(_):
        raise RuntimeError("the thumbnails' disk is gone")

    night.session.micrographs.set_figures(int(night.ids[0]), {"score": 50})
    with pytest.raises(RuntimeError):
        write_report(target, night.session, thumbnail_of=thumbnail_of)
    assert target.read_text() == "yesterday's"
    assert sorted(tmp_path.iterdir()) == before
    with pytest.raises(WriteProblem):
        write_report(target / "a file is no folder.html", night.session)
