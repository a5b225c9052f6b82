"""The way from movies or micrographs to a session of figures, pictures and particles.

Nothing here knows a screen: the command line and the plugin run the same generator `screen_steps`.
"""

from napari_n2n.workflow.screening.asked_before import AskedBefore, asked_before
from napari_n2n.workflow.screening.inputs import Inputs, inputs_of
from napari_n2n.workflow.screening.outcomes import ScreeningSummary, ScreenOutcome, ScreenProgress
from napari_n2n.workflow.screening.queue import Queue
from napari_n2n.workflow.screening.results import (
    ResultFiles,
    common_folder,
    read_pictures,
    results_of,
)
from napari_n2n.workflow.screening.screening import SETTINGS_KEY, screen_steps
from napari_n2n.workflow.screening.settings import ScreenSettings, changed_since, in_words
from napari_n2n.workflow.screening.watched_folder import Feed

__all__ = [
    "SETTINGS_KEY",
    "AskedBefore",
    "Feed",
    "Inputs",
    "Queue",
    "ResultFiles",
    "ScreenOutcome",
    "ScreenProgress",
    "ScreenSettings",
    "ScreeningSummary",
    "asked_before",
    "changed_since",
    "common_folder",
    "in_words",
    "inputs_of",
    "read_pictures",
    "results_of",
    "screen_steps",
]
