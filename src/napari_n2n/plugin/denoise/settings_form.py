"""The form of the training settings, generated from `TrainingConfig` and validated by it."""

import dataclasses
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from magicgui.widgets import CheckBox, ComboBox, Container, LineEdit
from magicgui.widgets.bases import ValueWidget
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_n2n.denoising.config import (
    NETWORKS,
    PRESETS,
    VOLUME_NETWORKS,
    VOLUME_PRESETS,
    NetworkConfig,
    TrainingConfig,
)
from napari_n2n.denoising.shipped_models.photographs import (
    COLOUR_NETWORKS,
    PHOTOGRAPH_PRESETS,
    is_for_photographs,
)
from napari_n2n.plugin.shared.controls import Underway, aligned_labels, folded
from napari_n2n.settings import ConfigProblem, SettingField, setting_fields

if TYPE_CHECKING:
    from collections.abc import Callable

# What a newcomer may want to change; the rest is folded away.
_IN_SIGHT = ("particle_diameter_angstrom", "working_pixel_size_angstrom", "from_scratch")
_CUSTOM = "custom"
_EMPTY = {
    "particle_diameter_angstrom": "unknown",
    "working_pixel_size_angstrom": "full resolution",
}


@dataclass(frozen=True, eq=False)
class TrainingOffer:
    """The trainings there are on one kind of image: presets with their titles, and networks.

    Settings that do not concern it are ``left_out``; some have other ``labels``.
    """

    presets: dict[str, TrainingConfig]
    titles: dict[str, str]
    networks: dict[str, NetworkConfig]
    left_out: frozenset[str] = frozenset()
    labels: dict[str, str] = dataclasses.field(default_factory=dict)


MICROGRAPHS = TrainingOffer(
    PRESETS,
    {"quick": "quick: a minute or two", "paper": "paper: hours, best on a GPU"},
    NETWORKS,
)
PHOTOGRAPHS = TrainingOffer(
    PHOTOGRAPH_PRESETS,
    {"quick": "quick: two minutes", "paper": "paper: hours, best on a GPU"},
    COLOUR_NETWORKS,
    frozenset(_IN_SIGHT) | {"normalisation", "pairing", "validation_fraction"},
)
TOMOGRAMS = TrainingOffer(
    VOLUME_PRESETS,
    {"quick": "quick: some ten minutes", "paper": "paper: days, on a GPU"},
    VOLUME_NETWORKS,
    frozenset({"normalisation", "pairing"}),
    {
        "working_pixel_size_angstrom": "Working voxel size (Å)",
        "crop": "Crop (voxels)",
        "augment": "Flips",
    },
)


def offer_for(config: TrainingConfig) -> TrainingOffer:
    """Return the trainings of which ``config`` is one."""
    if config.network.ndim == 3:
        return TOMOGRAMS
    return PHOTOGRAPHS if is_for_photographs(config) else MICROGRAPHS


class SettingsForm(QWidget):
    """Edits a `TrainingConfig`: a preset, what matters in sight, everything else folded away.

    Numbers are typed, not spun: a mouse wheel that scrolls the widget changes nothing. What is
    set for micrographs, tomograms and photographs is kept apart.
    """

    valueChanged = Signal()  # noqa: N815 - Qt's way to name signals

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._trainings = MICROGRAPHS
        self._preferred = "quick"
        self._set_before: dict[TrainingOffer, TrainingConfig] = {}
        self._network = PRESETS["quick"].network
        self._told = setting_fields(TrainingConfig)
        self._fields = {name: _widget_for(field) for name, field in self._told.items()}
        self._preset = ComboBox(
            label="Preset",
            choices=(),
            tooltip="Where the settings start from.",
        )
        in_sight = Container(
            widgets=[self._preset, *(self._fields[name] for name in _IN_SIGHT)], labels=True
        )
        advanced = Container(
            widgets=[field for name, field in self._fields.items() if name not in _IN_SIGHT],
            labels=True,
        )
        self._advanced = folded("Advanced settings")
        self._advanced.addWidget(advanced.native)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        for part in (in_sight, advanced):
            aligned_labels(part)
        layout.addWidget(in_sight.native)
        layout.addWidget(self._advanced)
        self._containers = (in_sight, advanced)
        self._settling = Underway()
        self.setValue(PRESETS["quick"])
        self._preset.changed.connect(self._on_preset)
        for field in self._fields.values():
            field.changed.connect(self._on_field)

    def value(self) -> TrainingConfig:
        """Return the settings as they stand.

        Raises
        ------
        ConfigProblem
            Something typed makes no sense; the message names it.
        """
        typed = {
            name: _read(self._told[name], field.value)
            for name, field in self._fields.items()
            if name != "network"
        }
        chosen = self._fields["network"].value
        networks = {**self._trainings.networks, self._network.name: self._network}
        return PRESETS["quick"].replaced(network=networks[chosen], **typed)

    def setValue(self, config: TrainingConfig) -> None:  # noqa: N802
        """Show ``config``."""
        trainings = offer_for(config)
        if trainings is not self._trainings:
            with suppress(ConfigProblem):  # what makes no sense is not worth keeping
                self._set_before[self._trainings] = self.value()
        with self._settling:
            self._trainings = trainings
            self._network = config.network
            networks = self._fields["network"]
            assert isinstance(networks, ComboBox)
            networks.choices = list(dict.fromkeys([*self._trainings.networks, config.network.name]))
            titles = {**self._trainings.titles, _CUSTOM: _CUSTOM}
            self._preset.choices = [(text, name) for name, text in titles.items()]
            for name, field in self._fields.items():
                value = getattr(config, name)
                field.value = _shown(value)
                field.visible = name not in self._trainings.left_out
                label = self._trainings.labels.get(name, self._told[name].label)
                if field.label != label:
                    field.label = label
            self._preset.value = self._name_of(config)
        for part in self._containers:
            aligned_labels(part)  # which another label upsets
        self.valueChanged.emit()

    def offer(self, trainings: TrainingOffer) -> None:
        """Offer these; what was set of them before is set again."""
        if trainings is not self._trainings:
            start = trainings.presets.get(self._preferred, trainings.presets["quick"])
            self.setValue(self._set_before.get(trainings, start))

    def prefer(self, preset: str) -> None:
        """Start from the preset of that name, of whatever is trained on."""
        self._preferred = preset
        presets = self._trainings.presets
        self.setValue(presets.get(preset, presets["quick"]))

    def _name_of(self, config: TrainingConfig | None) -> str:
        presets = self._trainings.presets
        return next((name for name, known in presets.items() if known == config), _CUSTOM)

    def _on_preset(self, name: str) -> None:
        if not self._settling and name in self._trainings.presets:
            self.setValue(self._trainings.presets[name])

    def _on_field(self, _value: object) -> None:
        if self._settling:
            return
        try:
            config: TrainingConfig | None = self.value()
        except ConfigProblem:
            config = None
        with self._settling:
            self._preset.value = self._name_of(config)
        self.valueChanged.emit()


def _shown(value: Any) -> Any:
    """How a field's value stands in its widget."""
    if isinstance(value, NetworkConfig):
        return value.name
    if value is None:
        return ""
    if isinstance(value, bool | str):
        return value
    return repr(value)


def _read(field: SettingField, value: Any) -> Any:
    """Return what was typed as a number, or None where the field was left empty."""
    if not isinstance(value, str) or field.choices:
        return value
    text = value.strip().replace(",", ".")
    if not text:
        return None
    number: Callable[[str], float] = int if field.kind is int else float
    try:
        return number(text)
    except ValueError:
        kind = "a whole number" if number is int else "a number"
        raise ConfigProblem(f"{field.label}: {value!r} is not {kind}.") from None


def _widget_for(field: SettingField) -> ValueWidget[Any]:
    """Make the widget of one field."""
    common: dict[str, Any] = {
        "name": field.name,
        "label": field.label,
        "tooltip": field.description,
    }
    if field.kind is NetworkConfig:
        return ComboBox(choices=list(NETWORKS), **common)
    if field.kind is bool:
        return CheckBox(**{**common, "text": ""})
    if field.choices:
        return ComboBox(choices=field.titled_choices, **common)
    edit = LineEdit(**common)
    edit.native.setPlaceholderText(_EMPTY.get(field.name, "no limit" if field.optional else ""))
    return edit
