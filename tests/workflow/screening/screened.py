"""A folder that has been screened, made without screening: for what comes after."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from napari_n2n.io import Particles, write_micrograph
from napari_n2n.session import Session, session_path_in
from napari_n2n.workflow.screening import results_of

if TYPE_CHECKING:
    from pathlib import Path

SIDE, SIZE_ANGSTROM = 128, 1.5


def screened_folder(folder: Path, count: int = 6, *, particles: bool = False) -> Session:
    """Fill a folder with micrographs ``m0.mrc``, …, their pictures and their session.

    Their score is 10, 20, …; their brightness 0, -1, …; raw is denoised with noise.
    """
    folder.mkdir(exist_ok=True)
    rng = np.random.default_rng(0)
    session = Session.open(session_path_in(folder))
    for i in range(count):
        path = folder / f"m{i}.mrc"
        denoised = np.full((SIDE, SIDE), float(i), np.float32)
        denoised[20:60, 20:60] += 1
        raw = denoised + rng.standard_normal((SIDE, SIDE), dtype=np.float32)
        write_micrograph(path, raw, SIZE_ANGSTROM)
        results = results_of(session.path, path)
        results.denoised.parent.mkdir(exist_ok=True)
        write_micrograph(results.denoised, denoised, SIZE_ANGSTROM)
        Image.new("L", (64, 64), 40 * i).save(results.thumbnail)
        micrograph = session.micrographs.find_or_add(
            path, shape=(SIDE, SIDE), pixel_size_angstrom=SIZE_ANGSTROM
        )
        figures = {"score": 10.0 * (i + 1), "brightness": -float(i)}
        session.micrographs.set_figures(micrograph, figures, acquired=1e9 + i)
        if particles:
            session.marks.add(micrograph, Particles(rng.uniform(10, 100, (5, 2))))
    return session
