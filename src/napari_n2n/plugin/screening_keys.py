"""The keys of the Screening widget: one map for the canvas, the table, the grid and the panel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_n2n.plugin.keys import Key, KeyMap
from napari_n2n.screening.records import REASONS

if TYPE_CHECKING:
    from collections.abc import Iterable

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


class ScreeningKeys(KeyMap):
    """Binds the keys of screening to viewer and layers, and lets go of them again."""

    def bind(self, providers: Iterable[Any]) -> None:
        """Bind the keys to these viewers and layers, and to no others."""
        self.release()
        for provider in providers:
            before = dict(provider.keymap)
            for key in SCREENING_KEYS:
                provider.bind_key(key.napari_name, self._presser(key.action), overwrite=True)
            ours = {k: f for k, f in provider.keymap.items() if before.get(k) is not f}
            self._bound.append((provider, ours, before))

    def press(self, key: str) -> bool:
        """Act on a key by Qt's name; False if it means nothing here."""
        for known in SCREENING_KEYS:
            if known.key.lower() == key.lower():
                self._act(known.action)
                return True
        return False
