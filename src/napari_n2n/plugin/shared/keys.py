"""Keys that work wherever they are pressed, and those of the Particles widget."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from qtpy.QtGui import QKeyEvent


@dataclass(frozen=True)
class Key:
    """One key: as Qt names it (``"Ctrl+Z"``), what it does, and to what group it belongs."""

    key: str
    action: str
    text: str

    @property
    def napari_name(self) -> str:
        """The key as napari names it: ``"Control-Z"``."""
        parts = [{"Ctrl": "Control"}.get(part, part) for part in self.key.split("+")]
        return "-".join(parts)


# Of the Particles widget.
KEYS: tuple[Key, ...] = (
    Key("1", "intact", "intact"),
    Key("2", "broken", "broken"),
    Key("3", "contaminant", "contaminant"),
    Key("0", "unlabelled", "no label"),
    Key("Right", "next", "next particle"),
    Key("Left", "previous", "previous particle"),
    Key("N", "least_sure", "the one the machine is least sure of"),
    Key("A", "accept", "accept the suggestion"),
    Key("Delete", "delete", "delete"),
    Key("Backspace", "delete", "delete"),
    Key("U", "undo", "undo"),
    Key("Ctrl+Z", "undo", "undo"),
    Key("Shift+U", "redo", "redo"),
    Key("Ctrl+Shift+Z", "redo", "redo"),
    Key("S", "select_tool", "select and move"),
    Key("M", "mark_tool", "mark"),
    Key("B", "brush_tool", "brush"),
    Key("E", "erase_tool", "erase"),
    Key("[", "smaller_brush", "smaller brush"),
    Key("]", "larger_brush", "larger brush"),
)


class KeyMap:
    """Calls ``act`` with the name of a key's action, wherever the key was pressed.

    napari asks the active layer before the viewer, and its own layers use digits and letters; so
    the keys are bound to every layer, whichever is active, and let go of again.
    """

    def __init__(self, act: Callable[[str], None], keys: tuple[Key, ...] = KEYS) -> None:
        self._act = act
        self._keys = keys
        self._viewer: ViewerModel | None = None
        self._bound: list[tuple[Any, dict[Any, Any], dict[Any, Any]]] = []

    def bind(self, viewer: "ViewerModel") -> None:
        """Bind the keys to the viewer and its layers, those to come included."""
        self.release()
        self._viewer = viewer
        viewer.layers.events.inserted.connect(self._on_inserted)
        viewer.layers.events.removed.connect(self._on_removed)
        for provider in (viewer, *viewer.layers):
            self._bind_to(provider)

    def release(self) -> None:
        """Give the keys back to those that had them."""
        if self._viewer is not None:
            self._viewer.layers.events.inserted.disconnect(self._on_inserted)
            self._viewer.layers.events.removed.disconnect(self._on_removed)
            self._viewer = None
        for provider, ours, before in self._bound:
            for key, function in ours.items():
                if provider.keymap.get(key) is not function:
                    continue  # somebody has bound it since
                if key in before:
                    provider.keymap[key] = before[key]
                else:
                    del provider.keymap[key]
        self._bound = []

    def press(self, key: str) -> bool:
        """Act on a key by Qt's name; False if it means nothing here."""
        for known in self._keys:
            if known.key.lower() == key.lower():
                self._act(known.action)
                return True
        return False

    def _on_inserted(self, event: Any) -> None:
        self._bind_to(event.value)

    def _on_removed(self, event: Any) -> None:
        self._bound = [bound for bound in self._bound if bound[0] is not event.value]

    def _bind_to(self, provider: Any) -> None:
        before = dict(provider.keymap)
        for key in self._keys:
            provider.bind_key(key.napari_name, self._presser(key.action), overwrite=True)
        ours = {k: f for k, f in provider.keymap.items() if before.get(k) is not f}
        self._bound.append((provider, ours, before))

    def _presser(self, action: str) -> Callable[[Any], None]:
        return lambda _provider: self._act(action)


def name_of(event: "QKeyEvent") -> str:
    """Return a key event's key as Qt names it, without the keypad."""
    from qtpy.QtCore import Qt
    from qtpy.QtGui import QKeySequence

    modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
    combination = event.keyCombination()
    name = QKeySequence(combination.key()).toString()
    words = {
        Qt.KeyboardModifier.ControlModifier: "Ctrl",
        Qt.KeyboardModifier.ShiftModifier: "Shift",
    }
    # "Del" is what Qt shows; the map says what the key is called.
    name = {"Del": "Delete"}.get(name, name)
    return "+".join([word for flag, word in words.items() if modifiers & flag] + [name])
