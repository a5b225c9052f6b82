"""Saying whether particles are dark or bright: in the same words wherever it is asked."""

from magicgui.widgets import ComboBox

from napari_n2n.workflow.fields_of_view import ContrastChoice

SAID_AS: dict[ContrastChoice, str] = {
    "auto": "as the image tells",
    "dark": "dark, as in cryo-EM",
    "bright": "bright, as in negative stain",
}


def contrast_field() -> ComboBox:
    """Make the field of a `ContrastChoice`."""
    field = ComboBox(
        label="Particles are",
        choices=[(text, contrast) for contrast, text in SAID_AS.items()],
    )
    field.tooltip = (
        "Darker or brighter than what is around them. The general model, the picker and the "
        "figures of quality know dark ones, and are shown the negative of the others. What is "
        "bright is noticed where it is plain, and told."
    )
    return field
