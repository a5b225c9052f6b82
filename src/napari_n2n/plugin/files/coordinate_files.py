"""Coordinate files as points layers, and points layers as coordinate files."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from napari_n2n.errors import BadValue, N2NError, WriteProblem
from napari_n2n.io import (
    GIVERS,
    LABELS,
    MicrographParticles,
    Particles,
    is_coordinates,
    read_coordinates,
    stem_of,
    write_coordinates,
)
from napari_n2n.io.coordinates.edited_rows import edited_rows, origins_of
from napari_n2n.particles.palette import BORDER, filling_rgba, label_rgba
from napari_n2n.plugin.shared.layers import (
    KEY,
    LayerData,
    LayerMemory,
    calibration,
    memory_in,
    memory_of,
    pixel_size_of,
)

if TYPE_CHECKING:
    from napari.layers import Image
    from numpy.typing import NDArray

Reader = Callable[..., list[Any]]

MOST_LAYERS = 20
"""A file of more micrographs opens the first ones; the rest are named."""

# Endings that no one else has: such a file that cannot be read is for us to explain.
_OURS = (".box", ".cbox", ".cs")
_PICKER_SUFFIXES = ("_autopick", "_manualpick", "_pick", "_picks")
_ROW = "star_row"
"""The feature that tells which row of its STAR file a particle came from."""
_UNKNOWN_DIAMETER = 0.02  # of the extent of the particles


def get_coordinate_reader(path: str | Sequence[str]) -> Reader | None:
    """Return the function that opens ``path``, or None if it is not for us (napari's contract)."""
    paths = [Path(path)] if isinstance(path, str) else [Path(one) for one in path]

    def ours(one: Path) -> bool:
        return one.is_file() and (one.suffix.lower() in _OURS or is_coordinates(one))

    return read_points if paths and all(ours(one) for one in paths) else None


def read_points(path: str | Sequence[str], stack: bool = False) -> list[Any]:
    """Open coordinate files as points layers, one for each micrograph.

    A bad file among several is told in a notification and the others open. If nothing opens,
    napari's user gets the notification alone; a script gets the error.

    Raises
    ------
    N2NError
        Nothing could be opened, and there is no window to say so in.
    """
    from napari.utils.notifications import show_error, show_info, show_warning

    paths = [path] if isinstance(path, str) else list(path)
    layers: list[LayerData] = []
    problems: list[str] = []
    images = _open_micrographs()
    for one in map(Path, paths):
        try:
            tables = _read(one, images)
        except N2NError as problem:
            if len(paths) == 1 and images is None:
                raise
            problems.append(str(problem))
            continue
        layers += [points_layer(table, one) for table in tables[:MOST_LAYERS]]
        if rest := [table.stem for table in tables[MOST_LAYERS:]]:
            show_warning(
                f"{one.name} names {len(tables)} micrographs; the first {MOST_LAYERS} are shown, "
                f"not {', '.join(rest[:MOST_LAYERS])}{', …' if len(rest) > MOST_LAYERS else ''}. "
                "Open one of those first, and its particles are shown first."
            )
    for sentence in problems:
        (show_warning if layers else show_error)(sentence)
    if any(memory_in(layer[1]["metadata"]).rows_reversed for layer in layers):
        show_warning(
            f"{Path(paths[0]).name} counts the rows of TIFFs from the last one, as RELION does: "
            "open the micrograph first, and the particles lie on it."
        )
    if any(memory_in(layer[1]["metadata"]).pixel_size_angstrom is None for layer in layers):
        show_info(f"{Path(paths[0]).name}: the pixel size is unknown, so lengths are in px.")
    return list(layers) or [(None,)]  # napari's sign for: read, nothing to show


def points_layer(table: MicrographParticles, path: Path) -> LayerData:
    """Describe the points layer of one micrograph's particles, coloured by label."""
    p = table.particles
    memory = LayerMemory(
        "particles",
        table.pixel_size_angstrom,
        path=path,
        micrograph=table.micrograph,
        shape=table.shape,
        rows_reversed=table.rows_reversed,
        first_frame_shift_px=table.first_frame_shift_px,
        read_as=table,
    )
    features: dict[str, Any] = {"label": p.labels, "score": p.scores, "given_by": p.given_by}
    # Or napari says of points that are added what is true of the last one.
    added = {"label": "unlabelled", "score": np.nan, "given_by": "person"}
    if table.star is not None:
        features[_ROW], added[_ROW] = np.arange(len(p), dtype=np.float64), np.nan
    description: dict[str, Any] = {
        "name": f"{table.stem or path.stem} particles",
        **calibration(table.pixel_size_angstrom),
        "features": features,
        "feature_defaults": added,
        "size": _diameter_px(table),
        "border_width": BORDER,
        "metadata": {KEY: memory},
    }
    if len(p):
        description |= {
            "face_color": filling_rgba(p.labels),
            "border_color": label_rgba(p.labels),
        }
    else:
        description["ndim"] = 2
    return p.centres_px.copy(), description, "points"


def write_points(path: str, layers: Sequence[tuple[Any, dict[str, Any], str]]) -> list[str]:
    """Write points layers, one for each micrograph, as the extension says.

    Labels, scores and who gave them are those of the layer's features. What was read from a STAR
    file keeps its rows, columns and optics groups, if all layers did. Two equal layers of one
    micrograph (over the raw and over the denoised image) are written once.

    Raises
    ------
    WriteProblem
        The format needs what is not known, two layers of one micrograph differ in pixel size, or
        the disk refuses.
    BadValue
        A format that is not known.
    """
    from napari.utils.notifications import show_info

    tables: list[MicrographParticles] = []
    boxes: list[float] = []
    edited: list[_Edited] = []
    for data, meta, _ in layers:
        table, diameter_px = _table(path, np.asarray(data, dtype=np.float64), meta)
        boxes.append(diameter_px)
        for other in tables:
            if other.micrograph == table.micrograph:
                if other.pixel_size_angstrom != table.pixel_size_angstrom:
                    raise WriteProblem(
                        path,
                        f"was not written: two layers of {table.micrograph or 'one micrograph'} "
                        "have different pixel sizes",
                        "Give them the same scale and units.",
                    )
                if _equal(other.particles, table.particles):
                    break
        else:
            tables.append(table)
            edited.append(_Edited.of(table, meta, diameter_px))
    tables, edits = _with_rows(edited)
    # Even, so that the box has its centre on a pixel.
    notes = write_coordinates(path, tables, box_size_px=max(2, 2 * round(boxes[0] / 2)))
    if not path.lower().endswith(".star"):
        edits = ()  # no other format has the columns
    if edits or notes:
        show_info(" ".join([*edits, *notes]))
    return [path]


def _read(path: Path, images: "list[Image] | None") -> list[MicrographParticles]:
    """Read a file; what it does not tell is taken from the micrographs that are open."""
    by_stem = {_stem_of_image(image): image for image in images or []}
    shapes = {tuple(image.data.shape[-2:]) for image in images or []}
    shape = shapes.pop() if len(shapes) == 1 else None
    tables = read_coordinates(path, shape=shape)
    completed = []
    for table in tables:
        stem = table.stem or _bare(path.stem)
        image = by_stem.get(stem)
        if image is None and len(tables) == len(by_stem) == 1 and not table.micrograph:
            (image,) = by_stem.values()
        if image is not None:
            table = replace(
                table,
                pixel_size_angstrom=table.pixel_size_angstrom or pixel_size_of(image),
                shape=image.data.shape[-2:],
            ).with_stored_rows()
        completed.append((image is None, table))
    completed.sort(key=lambda pair: pair[0])  # those that are open come first
    return [table for _, table in completed]


def _bare(stem: str) -> str:
    for suffix in _PICKER_SUFFIXES:
        stem = stem.removesuffix(suffix)
    return stem


def _open_micrographs() -> "list[Image] | None":
    """Return the grey images of the window there is, files before all; None without a window."""
    from napari import current_viewer
    from napari.layers import Image

    viewer = current_viewer()
    if viewer is None:
        return None
    images = [layer for layer in viewer.layers if isinstance(layer, Image) and not layer.rgb]
    return [image for image in images if memory_of(image).path is not None] or images


def _stem_of_image(image: "Image") -> str:
    return stem_of(memory_of(image).path or Path(image.name))


def _diameter_px(table: MicrographParticles) -> float:
    """Return the size of a symbol, px."""
    if table.diameter_angstrom and table.pixel_size_angstrom:
        return table.diameter_angstrom / table.pixel_size_angstrom
    extent = float(np.ptp(table.particles.centres_px)) if len(table.particles) else 0.0
    return max(10.0, _UNKNOWN_DIAMETER * max(extent, *(table.shape or (0,))))


def _equal(a: Particles, b: Particles) -> bool:
    return (
        len(a) == len(b)
        and np.array_equal(a.centres_px, b.centres_px)
        and np.array_equal(a.labels, b.labels)
    )


def _table(
    path: str, data: "NDArray[np.float64]", meta: dict[str, Any]
) -> tuple[MicrographParticles, float]:
    """Understand a points layer: its particles in px of the micrograph, and their diameter, px."""
    memory = memory_in(meta.get("metadata", {}))
    image = _image_of(memory)
    shape = memory.shape or (tuple(image.data.shape[-2:]) if image is not None else None)
    name = memory.micrograph or (_name_of_image(image) if image is not None else "")
    scale = np.asarray(meta.get("scale", (1.0, 1.0)), dtype=np.float64)[-2:]
    origin = np.asarray(meta.get("translate", (0.0, 0.0)), dtype=np.float64)[-2:]
    length = _angstrom(meta)  # of one unit of the world; None where that is no length
    pixel_size = None if length is None else float(scale[1] * length)
    pixel = scale  # of the micrograph, in units of the world
    data = data[:, -2:]
    if memory.kind == "particles":
        centres = data
    elif image is not None:
        pixel, pixel_size = np.asarray(image.scale[-2:]), pixel_size_of(image)
        centres = (data * scale + origin - np.asarray(image.translate[-2:])) / pixel
    elif length is None:
        pixel = np.ones(2)
        centres = data * scale + origin
    else:
        centres = data + origin / scale
    if not np.isclose(pixel[0], pixel[1], rtol=1e-3):
        raise WriteProblem(
            path, "was not written: the layer's pixels are not square", "Correct its scale."
        )
    size = np.asarray(meta.get("size", 10.0), dtype=np.float64)
    diameter_px = float(np.median(size) * scale[1] / pixel[1]) if size.size else 10.0
    try:
        table = MicrographParticles(
            _particles(path, centres, meta.get("features")),
            str(name),
            pixel_size,
            shape,
            None if pixel_size is None else diameter_px * pixel_size,
            rows_reversed=memory.rows_reversed,
            first_frame_shift_px=_first_frame_shift(memory, image),
        )
    except BadValue as problem:
        raise WriteProblem(path, "was not written", str(problem)) from problem
    return table, diameter_px


@dataclass(frozen=True)
class _Edited:
    """Particles as they are by now, as their file had them, and what they say of its rows."""

    now: MicrographParticles
    before: MicrographParticles | None
    rows: Any
    apart_px: float

    @classmethod
    def of(cls, now: MicrographParticles, meta: dict[str, Any], diameter_px: float) -> Self:
        features, before = meta.get("features"), memory_in(meta.get("metadata", {})).read_as
        if features is None or len(features) != len(now.particles) or _ROW not in features:
            return cls(now, before, None, diameter_px)
        return cls(now, before, np.asarray(features[_ROW]), diameter_px)

    @property
    def has_labels(self) -> bool:
        star = None if self.before is None else self.before.star
        labels = self.now.particles.labels
        return bool(star and star.labelled) or bool((labels != "unlabelled").any())

    def with_rows(self, with_labels: bool) -> tuple[MicrographParticles, tuple[str, ...]]:
        before = self.before
        if before is None or not before.star:
            return self.now, ()
        if self.rows is None:
            return self.now, (
                "Of the rows of the STAR file only positions, scores and labels were written, as "
                f"the layer has lost its feature {_ROW}.",
            )
        particles = self.now.particles
        origins = origins_of(
            self.rows, particles.centres_px, before.particles.centres_px, self.apart_px
        )
        star, notes = edited_rows(before.star, origins, particles, with_labels=with_labels)
        return replace(self.now, star=star), notes


def _with_rows(
    edited: Sequence[_Edited],
) -> tuple[list[MicrographParticles], tuple[str, ...]]:
    """Give particles the rows of the STAR file they were read from, as edited since."""
    # A file has class numbers of one kind.
    with_labels = any(one.has_labels for one in edited)
    found = [one.with_rows(with_labels) for one in edited]
    notes = dict.fromkeys(note for _, notes in found for note in notes)
    return [table for table, _ in found], tuple(notes)


def _first_frame_shift(memory: LayerMemory, image: "Image | None") -> tuple[float, float] | None:
    """Return (y, x) px to the first frame, from the particles or the sum they lie on."""
    if memory.kind == "particles" and memory.path is not None:
        return memory.first_frame_shift_px
    return None if image is None else memory_of(image).first_frame_shift_px


def _particles(path: str, centres: "NDArray[np.float64]", features: Any) -> Particles:
    """Join places with what the layer's features say of them."""
    columns: dict[str, Any] = {}
    if features is not None and len(features) == len(centres):
        columns = {name: np.asarray(features[name]) for name in features}
    labels = np.array([str(label) for label in columns.get("label", [])] or ["unlabelled"])
    labels = np.broadcast_to(labels, len(centres)) if len(labels) == 1 else labels
    # napari fills the features of a point that was clicked by hand with nan or an empty word.
    labels = np.where(np.isin(labels, ("", "nan", "None", "<NA>")), "unlabelled", labels)
    unknown = labels[~np.isin(labels, LABELS)]
    if unknown.size:
        raise WriteProblem(
            path,
            f"was not written: {str(unknown[0])!r} is no label",
            f"Use {', '.join(LABELS)} in the layer's features.",
        )
    givers = np.array([str(giver) for giver in columns.get("given_by", [])] or [""])
    givers = np.where(
        np.isin(givers, GIVERS), givers, np.where(labels == "unlabelled", "picker", "person")
    )
    scores = np.full(len(centres), np.nan, np.float32)
    if "score" in columns:
        try:
            scores = columns["score"].astype(np.float32)
        except (TypeError, ValueError):
            raise WriteProblem(
                path, "was not written: a score is no number", "Correct the layer's features."
            ) from None
    return Particles(centres, labels, scores, givers)


def _angstrom(meta: dict[str, Any]) -> float | None:
    """Length (Å) of one unit of a layer's world; None where its units are no lengths."""
    from pint import DimensionalityError, UndefinedUnitError, get_application_registry

    units = meta.get("units")
    if units is None:
        return None
    try:
        quantity = get_application_registry().Quantity(1, str(units[-1]))
        return float(quantity.to("angstrom").magnitude)
    except (DimensionalityError, UndefinedUnitError):
        return None


def _image_of(memory: LayerMemory) -> "Image | None":
    """Find the image in the window that a layer's points lie on."""
    images = _open_micrographs() or []
    wanted = {memory.made_from, stem_of(Path(memory.micrograph or "")) or None}
    for image in images:
        if {image.name, _stem_of_image(image)} & wanted - {None}:
            return image
    return images[0] if len({_stem_of_image(image) for image in images}) == 1 else None


def _name_of_image(image: "Image") -> str:
    return (memory_of(image).path or Path(image.name)).name
