"""What all parts share: the options, the data in the cache, and how processes are started."""

import json
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from speed.child import MARK
from speed.machine import cores
from speed.processes import Finished, run

HERE = Path(__file__).parents[1]
SHARED_PAIRS = HERE.parents[2] / "shared" / "data" / "simulated_apoferritin"


@dataclass(frozen=True)
class Bench:
    """One run of the benchmark.

    ``side`` (px) is that of micrographs and movies, ``frames`` the movies' length, ``listed`` how
    many micrographs make a list, ``budgets`` the lengths (s) of the trainings.
    """

    cache: Path
    rounds: int
    side: int
    frames: int
    listed: int
    budgets: tuple[float, ...]
    threads: int
    quick: bool
    topaz: Path | None
    model: Path | None

    @property
    def settings(self) -> dict[str, Any]:
        """What decides the figures."""
        return {
            "side": self.side,
            "frames": self.frames,
            "rounds": self.rounds,
            "threads": self.threads,
            "quick": self.quick,
            "model": "general" if self.model is None else self.model.name,
        }

    def run(
        self, *command: str | os.PathLike[str], threads: int | None = None, **more: str
    ) -> Finished:
        """Run a command with this bench's number of threads; ``more`` are environment variables."""
        count = str(threads or self.threads)
        limits = {"OMP_NUM_THREADS": count, "MKL_NUM_THREADS": count}
        return run(command, {**limits, **more})

    def child(
        self,
        task: str,
        *,
        threads: int | None = None,
        environment: Mapping[str, str] | None = None,
        before: tuple[str, ...] = (),
        **arguments: Any,
    ) -> dict[str, Any]:
        """Run a function of ``speed.tasks`` in a process of its own.

        Returns its answer, with the process's peak memory and the seconds of the whole process
        (``process_seconds``). ``before`` is put before the command.
        """
        done = self.run(
            *before,
            sys.executable,
            "-m",
            "speed.child",
            task,
            json.dumps(arguments, default=os.fspath),
            threads=threads,
            PYTHONPATH=os.pathsep.join(
                filter(None, (os.fspath(HERE), os.environ.get("PYTHONPATH")))
            ),
            **(environment or {}),
        )
        answer = next(
            json.loads(line.removeprefix(MARK))
            for line in reversed(done.output.splitlines())
            if line.startswith(MARK)
        )
        figures = done.figures
        return {
            "process_seconds": figures["seconds"],
            "peak_megabytes": figures["peak_megabytes"],
            **answer,
        }

    def denoise_command(self, *files: Path, output: Path) -> list[str | os.PathLike[str]]:
        """Return ``napari-n2n denoise`` of ``files`` as a user would type it."""
        command: list[str | os.PathLike[str]] = [
            *napari_n2n(),
            "denoise",
            *files,
            "-o",
            output,
            "--quiet",
        ]
        return command if self.model is None else [*command, "--model", self.model]

    def micrographs(self, count: int, side: int | None = None) -> list[Path]:
        """Return ``count`` simulated micrographs of ``side``; the first one's truth is `clean`."""
        side = side or self.side
        paths = [self._at(side) / f"micrograph_{i:02d}.mrc" for i in range(count)]
        if not all(path.exists() for path in (*paths, self.clean(side))):
            self.child("simulating.micrographs", folder=self._at(side), side=side, count=count)
        return paths

    def clean(self, side: int | None = None) -> Path:
        """Return the clean image of the micrographs of ``side``."""
        return self._at(side or self.side) / "clean.mrc"

    def movie(self, *, bending: bool, side: int | None = None) -> Path:
        """Return a simulated movie of ``frames`` frames that drifts and, if wished, bends."""
        side = side or self.side
        name = "bending" if bending else "drifting"
        path = self._at(side) / f"{name}_{self.frames}.mrc"
        if not path.exists():
            self.child(
                "simulating.movie", path=path, side=side, frames=self.frames, bending=bending
            )
        return path

    def pairs(self) -> Path:
        """Return the folder of eight training pairs and a test one with its truth."""
        if SHARED_PAIRS.is_dir():
            return SHARED_PAIRS
        folder = self.cache / "simulated_apoferritin"
        if not (folder / "test_00_clean.mrc").exists():
            self.child("simulating.pairs", folder=folder)
        return folder

    def output(self, name: str) -> Path:
        """Return an empty folder for results that are looked at and forgotten."""
        folder = self.cache / "output" / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def _at(self, side: int) -> Path:
        folder = self.cache / str(side)
        folder.mkdir(parents=True, exist_ok=True)
        return folder


def make_bench(
    *,
    cache: Path,
    rounds: int | None,
    side: int | None,
    quick: bool,
    topaz: Path | None,
    model: Path | None,
) -> Bench:
    """Return a bench at full or at trial size."""
    found = topaz or (Path(path) if (path := shutil.which("topaz")) else None)
    return Bench(
        cache=cache.absolute(),
        rounds=rounds or (1 if quick else 3),
        side=side or (512 if quick else 4096),
        frames=8 if quick else 40,
        listed=4 if quick else 20,
        budgets=(3.0, 6.0) if quick else (5.0, 10.0, 20.0, 40.0, 60.0, 120.0, 240.0),
        threads=cores(),
        quick=quick,
        topaz=found,
        model=None if model is None else model.absolute(),
    )


def napari_n2n() -> list[str]:
    """Return the installed command; as a module where its script is not beside this Python."""
    script = Path(sys.executable).with_name("napari-n2n")
    return [os.fspath(script)] if script.exists() else [sys.executable, "-m", "napari_n2n.cli"]
