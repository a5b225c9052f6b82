"""Whatever was acknowledged is there: after a kill, and with two processes writing at once."""

from __future__ import annotations

import json
import os
import random
import runpy
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from napari_n2n.session import Session

PLAYER = Path(__file__).with_name("player.py")
KILLS = int(os.environ.get("N2N_KILLS", "50"))

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")


@pytest.fixture
def server():
    """Start a program that has imported the session and forks a process for each order."""
    started = subprocess.Popen(
        [sys.executable, str(PLAYER)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )
    with started:
        yield started
        started.stdin.close()
        assert started.wait(10) == 0


def order(server, **what):
    server.stdin.write(json.dumps(what) + "\n")
    server.stdin.flush()
    return [int(server.stdout.readline().split()[1]) for _ in what["jobs"]]


def acknowledged(server):
    """Return what the processes acknowledged, and how they ended."""
    lines = []
    for line in server.stdout:
        if line.startswith("ended"):
            return lines, line
        lines.append(line)
    raise AssertionError("the server has died")


def test_kills_at_random_moments_lose_nothing_that_was_acknowledged(server, tmp_path):
    made = runpy.run_path(str(PLAYER))
    dice = random.Random(KILLS)
    steps = 0
    for file in range(0, KILLS, 10):
        path = tmp_path / f"{file}.sqlite"
        model = made["Plain"]()
        # Another window stays open: SQLite then mends the file in another way.
        bystander = Session.open(path) if file % 20 else None
        for kill in range(file, min(file + 10, KILLS)):
            (child,) = order(server, what="play", path=str(path), jobs=[[kill]])
            lines = []
            if kill % 2:  # while it works, however slow this machine is
                lines = [server.stdout.readline() for _ in range(dice.randrange(1, 40))]
                time.sleep(dice.uniform(0, 0.005))
            else:  # perhaps while it opens the file
                time.sleep(dice.uniform(0, 0.12))
            os.kill(child, signal.SIGKILL)
            more, end = acknowledged(server)
            lines += more
            assert end == f"ended [{int(signal.SIGKILL)}]\n"
            throws = random.Random(kill)
            for _ in lines:
                made["step"](model, throws)
            steps += len(lines)
            real = made["Real"](path)
            if real.state() != model.state():
                # The kill came between the commit and its acknowledgement.
                made["step"](model, throws)
                assert real.state() == model.state()
            real.session.close()
            connection = sqlite3.connect(path)
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            connection.close()
        if bystander is not None:
            assert bystander.changed_elsewhere()
            assert bystander.micrographs.overview().reasons.tolist() == [
                it[1] for it in model.state()[2]
            ]
            bystander.close()
        real = made["Real"](path)
        empty = made["Plain"]().state()
        for back, forth, columns in (
            ("undo", "redo", slice(0, 2)),
            ("undo_verdict", "redo_verdict", slice(2, 3)),
        ):
            while getattr(real, back)() is not None:
                getattr(model, back)()
                assert real.state() == model.state()
            assert real.state()[columns] == empty[columns]
            while getattr(real, forth)() is not None:
                getattr(model, forth)()
            assert real.state() == model.state()
        real.session.close()
    assert steps > KILLS


def test_two_processes_marking_at_once_lose_nothing(server, tmp_path):
    path, number = tmp_path / "s.sqlite", 60
    order(server, what="mark", path=str(path), jobs=[[0, number], [1, number]])
    lines, end = acknowledged(server)
    assert end == "ended []\n"
    ids = {int(x): int(i) for x, i in (line.split() for line in lines)}
    assert len(set(ids.values())) == len(ids) == 2 * number
    with Session.open(path) as session:
        m = session.micrographs.records()[0].id
        stored = session.marks.particles(m)
        assert {int(x): i for i, (_, x) in zip(stored.ids, stored.particles.centres_px)} == ids  # noqa: B905
        for (_, x), label in zip(stored.particles.centres_px, stored.particles.labels, strict=True):
            seed, k = divmod(int(x), 1000)
            undone = k % 3 == 0 and k % 6
            assert label == ("unlabelled" if undone else ("broken", "intact")[seed])
        while session.marks.undo(m):
            pass
        assert len(session.marks.particles(m)) == 0
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def test_two_processes_judging_at_once_lose_nothing(server, tmp_path):
    path, number = tmp_path / "s.sqlite", 40
    order(server, what="judge", path=str(path), jobs=[[0, number], [1, number]])
    lines, end = acknowledged(server)
    assert end == "ended []\n"
    last = {}
    for seed, k, micrographs in map(json.loads, lines):
        last.update({(m, seed): f"{seed} {k}" for m in micrographs})
    assert len(lines) == 2 * number
    with Session.open(path) as session:
        overview = session.micrographs.overview()
        for m, reason in zip(overview.ids.tolist(), overview.reasons, strict=True):
            assert reason in (last.get((m, 0)), last.get((m, 1)))
        # Nobody was in anybody's way, so all can be taken back.
        for _ in lines:
            undone = session.verdicts.undo()
            assert undone
            assert not undone.note
        assert set(session.micrographs.overview().verdicts) == {"undecided"}
        assert session.verdicts.undo() is None
