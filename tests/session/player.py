"""Plays a sitting by dice: on a session, on a plain model of one, and in processes to be killed.

As a program it imports the session once, then reads orders, one JSON object a line, and forks a
process for each, which has nothing to import any more. Every line that such a process writes
acknowledges an action after the call has returned.
"""

import json
import os
import random
import sys
from pathlib import Path

import numpy as np

from napari_n2n.io.particles import LABELS, Particles
from napari_n2n.session import REASONS, Session

DISTANCE_PX = 30.0
FILES = 12  # the first one has the particles
VERDICT_COLUMNS = ("verdicts", "reasons", "given_by")


class Plain:
    """What a session is meant to do, in the simplest words: whole states, kept in two lists."""

    def __init__(self):
        self.rows = {}  # id: (y, x, label, given_by, placed_by)
        self.score = None
        self.next_id = 1
        self.past, self.future = [], []
        self.verdicts = {}  # micrograph: (verdict, reason, given_by)
        self.judged, self.unjudged = [], []
        self.figures, self.states = {}, {}

    def ids(self):
        return sorted(self.rows)

    def state(self):
        micrographs = range(1, FILES + 1)
        return (
            [(i, *self.rows[i][:4]) for i in self.ids()],
            self.score,
            [self.verdicts.get(i, ("undecided", "", "")) for i in micrographs],
            [(self.states.get(i, "waiting"), self.figures.get(i)) for i in micrographs],
        )

    def _do(self, rows, score):
        if (rows, score) != (self.rows, self.score):
            self.past.append((self.rows, self.score))
            self.future.clear()
            self.rows, self.score = rows, score

    def _new(self, centres, label, giver):
        first = self.next_id
        self.next_id += len(centres)
        return {first + i: (*centre, label, giver, giver) for i, centre in enumerate(centres)}

    def add(self, centres, label, giver):
        self._do({**self.rows, **self._new(centres, label, giver)}, self.score)

    def move(self, ids, centres):
        moved = {i: (*c, *self.rows[i][2:4], "person") for i, c in zip(ids, centres, strict=True)}
        self._do({**self.rows, **moved}, self.score)

    def relabel(self, ids, labels, giver):
        rows = dict(self.rows)
        for i, label in zip(ids, labels, strict=True):
            y, x, old, old_giver, placed = rows[i]
            if giver == "person" or old_giver != "person" or old == "unlabelled":
                rows[i] = (y, x, label, giver, placed)
        self._do(rows, self.score)

    def delete(self, ids):
        self._do({i: row for i, row in self.rows.items() if i not in ids}, self.score)

    def replace_picks(self, centres):
        kept = {i: row for i, row in self.rows.items() if "person" in row[3:]}
        new = self._new(centres, "unlabelled", "picker")
        far = {
            i: row
            for i, row in new.items()
            if all(
                (row[0] - k[0]) ** 2 + (row[1] - k[1]) ** 2 >= DISTANCE_PX**2 for k in kept.values()
            )
        }
        self._do({**kept, **far}, self.score)

    def set_threshold(self, score):
        self._do(self.rows, score)

    def _turn(self, source, target):
        if source:
            target.append((self.rows, self.score))
            self.rows, self.score = source.pop()

    def undo(self):
        self._turn(self.past, self.future)

    def redo(self):
        self._turn(self.future, self.past)

    def judge(self, ids, verdict, reason, given_by):
        new = dict(self.verdicts)
        for i in ids:
            new.pop(i, None)
            if verdict != "undecided":
                new[i] = (verdict, reason, given_by)
        if new != self.verdicts:
            self.judged.append(self.verdicts)
            self.unjudged.clear()
            self.verdicts = new

    def _turn_verdict(self, source, target):
        if source:
            target.append(self.verdicts)
            self.verdicts = source.pop()

    def undo_verdict(self):
        self._turn_verdict(self.judged, self.unjudged)

    def redo_verdict(self):
        self._turn_verdict(self.unjudged, self.judged)

    def set_figures(self, micrograph, snr):
        self.figures[micrograph], self.states[micrograph] = snr, "done"

    def set_state(self, micrograph, state):
        self.states[micrograph] = state


class Real:
    """A session, spoken to in the same way."""

    def __init__(self, path):
        self.session = Session.open(path)
        self.micrograph = self.session.micrographs.find_or_add(
            Path(path).with_name("a.mrc"), shape=(512, 512), pixel_size_angstrom=1.0
        )
        self.files = self.session.micrographs.add_files(
            [Path(path).with_name(f"{name}.mrc") for name in "abcdefghijklmnopqrstuvwxyz"[:FILES]]
        )

    def ids(self):
        return self.session.marks.particles(self.micrograph).ids.tolist()

    def state(self):
        stored = self.session.marks.particles(self.micrograph)
        table = stored.particles
        particles = [
            (i, y, x, str(label), str(giver))
            for i, (y, x), label, giver in zip(
                stored.ids.tolist(),
                table.centres_px.tolist(),
                table.labels,
                table.given_by,
                strict=True,
            )
        ]
        return particles, self.session.marks.threshold(self.micrograph), *self._judged()

    def _judged(self):
        overview = self.session.micrographs.overview()
        verdicts = zip(*(getattr(overview, it).tolist() for it in VERDICT_COLUMNS), strict=True)
        snr = overview.figures.get("snr", np.full(FILES, np.nan)).tolist()
        figures = [None if np.isnan(value) else value for value in snr]
        return list(verdicts), list(zip(overview.states.tolist(), figures, strict=True))

    def add(self, centres, label, giver):
        n = len(centres)
        self.session.marks.add(self.micrograph, Particles(centres, [label] * n, (), [giver] * n))

    def replace_picks(self, centres):
        particles = Particles(np.reshape(centres, (-1, 2)))
        self.session.marks.replace_picks(self.micrograph, particles, distance_px=DISTANCE_PX)

    def judge(self, ids, verdict, reason, given_by):
        self.session.verdicts.give(ids, verdict, reason=reason, given_by=given_by)

    def undo_verdict(self):
        return self.session.verdicts.undo()

    def redo_verdict(self):
        return self.session.verdicts.redo()

    def set_figures(self, micrograph, snr):
        self.session.micrographs.set_figures(micrograph, {"snr": snr})

    def set_state(self, micrograph, state):
        self.session.micrographs.set_state(micrograph, state)

    def __getattr__(self, name):
        def call(*arguments):
            return getattr(self.session.marks, name)(self.micrograph, *arguments)

        return call


def step(player, dice):
    """Do one action, which depends on nothing but the dice and the ids that there are."""
    if dice.random() < 0.5:
        step_of_marking(player, dice)
    else:
        step_of_screening(player, dice)


def step_of_screening(player, dice):
    some = dice.sample(range(1, FILES + 1), dice.choice([1, 1, 1, 4, FILES]))
    throw = dice.random()
    if throw < 0.5:
        verdict = dice.choice(["keep", "keep", "reject", "reject", "undecided"])
        reason = dice.choice(REASONS) if verdict == "reject" else ""
        player.judge(some, verdict, reason, dice.choice(["Ada", "Bo"]))
    elif throw < 0.7:
        player.undo_verdict()
    elif throw < 0.8:
        player.redo_verdict()
    elif throw < 0.9:
        player.set_figures(some[0], dice.randrange(1000) / 7)
    else:
        player.set_state(some[0], dice.choice(["waiting", "working", "failed"]))


def step_of_marking(player, dice):
    ids = player.ids()
    some = dice.sample(ids, min(len(ids), dice.choice([1, 1, 3, 20])))
    centres = [(dice.randrange(4096) / 8, dice.randrange(4096) / 8) for _ in range(25)]
    labels = [dice.choice(LABELS) for _ in some]
    giver = dice.choice(["person", "person", "suggestion"])
    throw = dice.random()
    if not ids or throw < 0.15:
        player.add(centres[: dice.choice([1, 1, 8])], labels[0] if ids else "intact", "person")
    elif throw < 0.45:
        player.relabel(some, labels, giver)
    elif throw < 0.55:
        player.move(some, centres[: len(some)])
    elif throw < 0.62:
        player.delete(some)
    elif throw < 0.66:
        player.replace_picks(centres)
    elif throw < 0.70:
        player.set_threshold(dice.choice([None, 0.25, 0.5]))
    elif throw < 0.88:
        player.undo()
    else:
        player.redo()


def acknowledge(text):
    os.write(1, f"{text}\n".encode())


def play(path, seed):
    """Play until killed."""
    player, dice, done = Real(path), random.Random(seed), 0
    while True:
        step(player, dice)
        done += 1
        acknowledge(done)


def mark(path, seed, number):
    """Add particles one by one and label each; take every third label back, and redo half of those.

    Each particle's x tells who put it there and when.
    """
    player = Real(path)
    for k in range(number):
        add = player.session.marks.add(
            player.micrograph, Particles([[0.0, seed * 1000 + k]], given_by=["person"])
        )
        player.relabel(add.added, "intact" if seed else "broken")
        if k % 3 == 0:
            player.undo()
        if k % 6 == 0:
            player.redo()
        acknowledge(f"{seed * 1000 + k} {add.added[0]}")


def judge(path, seed, number):
    """Judge one file, or five, after the other; the reason tells who did so and when."""
    player, dice = Real(path), random.Random(seed)
    for k in range(number):
        some = dice.sample(range(1, FILES + 1), dice.choice([1, 1, 5]))
        player.session.verdicts.give(some, dice.choice(["keep", "reject"]), reason=f"{seed} {k}")
        acknowledge(json.dumps([seed, k, some]))


def serve():
    assert not {"scipy", "torch", "napari"} & set(sys.modules)
    for line in sys.stdin:
        order = json.loads(line)
        children = []
        for job in order["jobs"]:
            child = os.fork()
            if not child:
                status = 1
                try:
                    {"play": play, "mark": mark, "judge": judge}[order["what"]](order["path"], *job)
                    status = 0
                finally:
                    os._exit(status)
            children.append(child)
            acknowledge(f"pid {child}")
        failed = [status for status in (os.waitpid(child, 0)[1] for child in children) if status]
        acknowledge(f"ended {failed}")


if __name__ == "__main__":
    serve()
