"""A session does what a plain model of it does, whatever is done in whatever order."""

from __future__ import annotations

import runpy
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from napari_n2n.io import LABELS

PLAYER = runpy.run_path(str(Path(__file__).with_name("player.py")))

# Eighths of a pixel: the plain model compares squared distances exactly.
centres = st.lists(
    st.tuples(*[st.integers(-80, 800).map(lambda eighths: eighths / 8)] * 2), max_size=6
)
choices = st.lists(st.integers(0, 1000), max_size=5)


class Sitting(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "s.sqlite"
        self.plain, self.real = PLAYER["Plain"](), PLAYER["Real"](self.path)

    def both(self, name, *arguments):
        for player in (self.plain, self.real):
            getattr(player, name)(*arguments)

    def chosen(self, choice):
        ids = self.plain.ids()
        return sorted({ids[place % len(ids)] for place in choice}) if ids else []

    @rule(where=centres.filter(len), label=st.sampled_from(LABELS), person=st.booleans())
    def add(self, where, label, person):
        self.both("add", where, label, "person" if person else "picker")

    @rule(choice=choices, label=st.sampled_from(LABELS), person=st.booleans())
    def relabel(self, choice, label, person):
        ids = self.chosen(choice)
        labels = [label, *LABELS, *LABELS][: len(ids)]
        self.both("relabel", ids, labels, "person" if person else "suggestion")

    @rule(label=st.sampled_from(LABELS))
    def relabel_all(self, label):
        ids = self.plain.ids()
        self.both("relabel", ids, [label] * len(ids), "person")

    @rule(choice=choices, where=centres)
    def move(self, choice, where):
        ids = self.chosen(choice)[: len(where)]
        self.both("move", ids, where[: len(ids)])

    @rule(choice=choices)
    def delete(self, choice):
        self.both("delete", self.chosen(choice))

    @rule(where=centres)
    def replace_picks(self, where):
        self.both("replace_picks", where)

    @rule(score=st.sampled_from([None, 0.25, -1.0]))
    def set_threshold(self, score):
        self.both("set_threshold", score)

    @rule()
    def undo(self):
        self.both("undo")

    @rule()
    def redo(self):
        self.both("redo")

    @rule(
        micrographs=st.lists(st.integers(1, PLAYER["FILES"]), max_size=5),
        verdict=st.sampled_from(["keep", "reject", "undecided"]),
        reason=st.sampled_from(["", "drift", "a crack"]),
        person=st.sampled_from(["Ada", "Bo"]),
    )
    def judge(self, micrographs, verdict, reason, person):
        self.both("judge", micrographs, verdict, reason, person)

    @rule(micrograph=st.integers(1, PLAYER["FILES"]), snr=st.floats(-1, 1))
    def set_figures(self, micrograph, snr):
        self.both("set_figures", micrograph, snr)

    @rule()
    def undo_verdict(self):
        self.both("undo_verdict")

    @rule()
    def redo_verdict(self):
        self.both("redo_verdict")

    @rule()
    def reopen(self):
        self.real.session.close()
        self.real = PLAYER["Real"](self.path)

    @rule()
    def change_elsewhere(self):
        other = PLAYER["Real"](self.path)
        other.session.set_setting("anything", 1)
        other.session.close()
        assert self.real.session.changed_elsewhere()

    @invariant()
    def they_agree(self):
        assert self.real.state() == self.plain.state()
        texts = self.real.undo_text(), self.real.redo_text()
        assert [text is not None for text in texts] == [
            bool(self.plain.past),
            bool(self.plain.future),
        ]
        texts = self.real.session.verdicts.undo_text(), self.real.session.verdicts.redo_text()
        assert [text is not None for text in texts] == [
            bool(self.plain.judged),
            bool(self.plain.unjudged),
        ]
        record = self.real.session.micrographs.records()[0]
        labels = [row[2] for row in self.plain.rows.values()]
        assert record.counts == {label: labels.count(label) for label in LABELS}

    def teardown(self):
        self.real.session.close()
        self.folder.cleanup()


Sitting.TestCase.settings = settings(
    max_examples=20,
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
TestSitting = Sitting.TestCase
