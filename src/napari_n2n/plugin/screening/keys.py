"""The keys of the Screening widget: one map for the canvas, the table, the grid and the panel."""

from __future__ import annotations

from napari_n2n.plugin.shared.keys import Key
from napari_n2n.session.records import REASONS

REASON_KEYS = {str(number): reason for number, reason in enumerate(REASONS, start=1)}
"""The digit of each reason for rejecting."""

SCREENING_KEYS: tuple[Key, ...] = (
    Key("Space", "next_undecided", "next undecided"),
    Key("K", "keep", "keep"),
    Key("R", "reject", "reject, then a digit for the reason, or R again for none"),
    *(Key(digit, f"reject_{digit}", f"reject: {reason}") for digit, reason in REASON_KEYS.items()),
    Key("0", "undecided", "take the verdict back to undecided"),
    Key("U", "undo", "undo the last verdict"),
    Key("Ctrl+Z", "undo", "undo the last verdict"),
    Key("Shift+U", "redo", "redo"),
    Key("Ctrl+Shift+Z", "redo", "redo"),
    Key("Right", "next", "next in the table"),
    Key("Left", "previous", "previous in the table"),
    Key("P", "spectrum", "power spectrum"),
    Key("G", "grid", "grid of thumbnails, or the table"),
)

FORWARDED_KEYS = frozenset(key.key for key in SCREENING_KEYS) - {"Right", "Left"}
"""What a table or a grid hands on; the arrows walk about in it."""

VERDICT_KEYS = frozenset(("K", "R", "0", *REASON_KEYS))
"""What judges the micrograph that is shown."""
