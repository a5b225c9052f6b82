"""Photograph the report of a simulated night: docs/images/screening-report.png.

Run: python docs/scripts/make_report_picture.py night FOLDER
         (simulates, screens, judges, reports)
     python docs/scripts/make_report_picture.py photograph FOLDER
         (where PyQt6-WebEngine and pillow are)

Verdicts are those that follow from what was simulated; every figure is measured.
"""

import os
import sys
from pathlib import Path

OUTPUT = Path(__file__).resolve().parents[1] / "images" / "screening-report.png"
REPORT = "screening-report.html"
EVENING = 1_700_000_000
MINUTES_APART = 11
WIDTH, HEIGHT = 1180, 1560

GOOD = {"contaminant_count": 1}
# What was wrong, what a person would say, and how often.
FLAWS = (
    (6, "drift", {"global_drift_angstrom": 260.0}),
    (5, "contamination", {"contaminant_count": 60}),
    (3, "empty", {"n_particles": 0, "contaminant_count": 0}),
    (3, "thick ice", {"contrast": 0.25, "ice_gradient": 0.45}),
)
MOVIES = 48


def night(folder: Path) -> None:
    import numpy as np

    from napari_n2n.export.report import write_report
    from napari_n2n.progress import run_to_end
    from napari_n2n.session import Session, session_path_in
    from napari_n2n.simulation import SimulationConfig, build_scene, write_simulated
    from napari_n2n.workflow.screening import (
        SETTINGS_KEY,
        Queue,
        ScreenSettings,
        results_of,
        screen_steps,
    )

    rng = np.random.default_rng(7)
    kinds = [("", GOOD)] * MOVIES
    spoilt = rng.permutation(MOVIES)
    for count, reason, flaw in FLAWS:
        for place in spoilt[:count]:
            kinds[place] = (reason, flaw)
        spoilt = spoilt[count:]
    data = folder / "2023-11-14_apoferritin"
    files = []
    for number, (_, flaw) in enumerate(kinds):
        stem = f"hole_{number:03d}"
        file = data / f"{stem}.mrc"
        # The stage calms down in the course of the night, and the beam fades.
        drift_angstrom = float(rng.gamma(6, 2)) * (1.6 - number / MOVIES)
        if not file.exists():
            made = {
                "global_drift_angstrom": drift_angstrom,
                "dose_per_frame": 1.6 - 0.2 * number / MOVIES,
                "defocus_micrometer": 1.0 + 0.4 * (number % 4),
                **flaw,
            }
            config = SimulationConfig(
                shape=(1024, 1024), n_frames=16, pixel_size_angstrom=1.5, seed=number, **made
            )
            wrote = write_simulated(build_scene(config), data, stem)
            for truth in (wrote.clean, wrote.particles, wrote.drift):
                truth.unlink()
        moment = EVENING + 60 * MINUTES_APART * number
        os.utime(file, (moment, moment))
        files.append(file)
    with Session.open(session_path_in(files[0].parent)) as session:
        settings = ScreenSettings(diameter_angstrom=120)
        run_to_end(screen_steps(session, Queue(files), settings, stop=lambda: False))
        ids = session.micrographs.add_files(files)
        judged = slice(0, MOVIES - 5)
        for micrograph, (reason, _) in list(zip(ids.tolist(), kinds, strict=True))[judged]:
            session.verdicts.give(
                [micrograph], "reject" if reason else "keep", reason=reason, given_by="ada"
            )
        write_report(
            folder / REPORT,
            session,
            thumbnail_of=lambda file: results_of(session.path, file).thumbnail,
            settings=session.setting(SETTINGS_KEY),
        )


def photograph(folder: Path) -> None:
    from PIL import Image
    from PyQt6.QtCore import QTimer, QUrl
    from PyQt6.QtWebEngineCore import QWebEngineSettings
    from PyQt6.QtWebEngineWidgets import QWebEngineView
    from PyQt6.QtWidgets import QApplication

    app = QApplication([sys.argv[0], "--no-sandbox", "--disable-gpu"])
    view = QWebEngineView()
    view.resize(WIDTH, HEIGHT)
    view.settings().setAttribute(QWebEngineSettings.WebAttribute.ShowScrollBars, False)
    view.show()

    def take() -> None:
        view.grab().save(str(OUTPUT))
        app.quit()

    def loaded() -> None:
        QTimer.singleShot(6000, take)  # the first picture is white for a while

    view.loadFinished.connect(loaded)
    view.load(QUrl.fromLocalFile(str((folder / REPORT).absolute())))
    app.exec()
    with Image.open(OUTPUT) as picture:
        few = picture.convert("RGB").quantize(128, dither=Image.Dither.NONE)
    few.save(OUTPUT, optimize=True)


if __name__ == "__main__":
    {"night": night, "photograph": photograph}[sys.argv[1]](Path(sys.argv[2]))
