"""Real apoferritin fields whose particles were marked by hand."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_n2n.denoising.inference.denoising import denoise_steps
from napari_n2n.denoising.training.micrographs import train_steps
from napari_n2n.errors import NotEnoughData, UnreadableFile
from napari_n2n.experiments.particles.pick_scores import PickScore, best_threshold
from napari_n2n.io import read_micrograph
from napari_n2n.particles import PickingConfig, Template, pick, suggested_threshold
from napari_n2n.progress import Progress, Steps, Stop, never
from napari_n2n.workflow.training_sets import PairsOnDisk

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_n2n.denoising.config import TrainingConfig
    from napari_n2n.experiments.particles.cache import Arrays, Cache


PIXEL_SIZE_ANGSTROM = 1.5
DIAMETER_ANGSTROM = 120.0
WORKING_PIXEL_SIZE_ANGSTROM = 6.0
TOLERANCE_PX = 20.0
BORDER_PX = 20.0
CLICKS = 10
KINDS = ("rest raw", "rest denoised", "frame raw", "frame denoised")
Kind = str


@dataclass(frozen=True, eq=False)
class MarkedField:
    """A field: its images by kind, (y, x), and the (n, 2) y, x centres that a person marked."""

    name: str
    images: Mapping[Kind, NDArray[np.float32]]
    centres_px: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RealPicking:
    """What one kind of image gave, all fields at one threshold.

    Attributes
    ----------
    kind
        One of `KINDS`.
    template_field
        The field whose ten marks were the template, and whose scores gave the threshold; "" where
        rings and discs were looked for, and the first field gave the threshold.
    threshold
        `suggested_threshold` of the candidates of that field: no mark has a say in it.
    f1
        (field,) at that threshold.
    best_f1
        Mean over the fields, had the best of all thresholds been known.
    judged
        By field, for pictures.
    """

    kind: Kind
    template_field: str
    threshold: float
    f1: tuple[float, ...]
    best_f1: float
    judged: tuple[PickScore, ...]

    @property
    def mean_f1(self) -> float:
        """Mean of `f1`."""
        return float(np.mean(self.f1))


def marked_fields_steps(
    folder: Path,
    training: TrainingConfig,
    cache: Cache,
    *,
    folds: int = 2,
    device: str = "auto",
    stop: Stop = never,
) -> Steps[tuple[MarkedField, ...]]:
    """Read and denoise the fields of ``folder``, each by a denoiser that did not see it.

    What is denoised is what the network was given in training: `rest` by networks trained
    `rest → frame`, `frame` by networks trained `frame → rest`. The fields, in the order of their
    names, are dealt into ``folds``; each fold is denoised by what the others taught.

    Raises
    ------
    UnreadableFile
        The folder holds no such fields.
    """
    names = [path.name.removesuffix("_rest.mrc") for path in sorted(folder.glob("*_rest.mrc"))]
    marks = {path.stem: path for path in sorted((folder / "coordinates").glob("*.csv"))}
    if len(names) < folds or not marks:
        raise UnreadableFile(
            folder, "holds too few *_rest.mrc and *_frame.mrc, or no coordinates", "Give another."
        )
    training = training.replaced(working_pixel_size_angstrom=WORKING_PIXEL_SIZE_ANGSTROM)
    denoised: dict[str, Arrays] = {}
    for kind, other in (("rest", "frame"), ("frame", "rest")):
        denoised[kind] = {}
        for fold in range(folds):
            kept = [name for i, name in enumerate(names) if i % folds != fold]
            left = [name for i, name in enumerate(names) if i % folds == fold]

            def make(
                kept: Sequence[str] = kept,
                left: Sequence[str] = left,
                kind: str = kind,
                other: str = other,
            ) -> Steps[Arrays]:
                pairs = PairsOnDisk.matched(
                    [folder / f"{name}_{kind}.mrc" for name in kept],
                    [folder / f"{name}_{other}.mrc" for name in kept],
                    swappable=False,
                    pixel_size_angstrom=PIXEL_SIZE_ANGSTROM,
                )
                denoiser = yield from train_steps(pairs, training, device=device, stop=stop)
                results: Arrays = {}
                for name in left:
                    image = read_micrograph(folder / f"{name}_{kind}.mrc").pixels
                    done = yield from denoise_steps(
                        image,
                        denoiser,
                        pixel_size_angstrom=PIXEL_SIZE_ANGSTROM,
                        device=device,
                        stop=stop,
                    )
                    results[name] = done.pixels
                return results

            settings = {
                "trained on": kept,
                "denoised": left,
                "folder": str(folder),
                "training": training.model_dump(),
            }
            made = yield from cache.get(f"{kind}-{fold}", settings, make)
            denoised[kind].update(made)
    fields = []
    for name in names:
        if name not in marks:
            continue
        images = {
            "rest denoised": denoised["rest"][name],
            "frame denoised": denoised["frame"][name],
        }
        for kind in ("rest", "frame"):
            images[f"{kind} raw"] = read_micrograph(folder / f"{name}_{kind}.mrc").pixels
        with marks[name].open(newline="") as handle:
            rows = list(csv.DictReader(handle))
        centres = np.array([(float(row["y_px"]), float(row["x_px"])) for row in rows])
        fields.append(MarkedField(name, images, centres))
    return tuple(fields)


def clicked(field: MarkedField, count: int = CLICKS, seed: int = 0) -> NDArray[np.float64]:
    """Choose ``count`` of a field's marks at random, those at its border left out.

    Raises
    ------
    NotEnoughData
        It has fewer.
    """
    margin = DIAMETER_ANGSTROM / PIXEL_SIZE_ANGSTROM * 0.75
    shape = field.images["rest raw"].shape
    inner = (field.centres_px >= margin) & (field.centres_px <= np.array(shape) - 1 - margin)
    centres = field.centres_px[inner.all(axis=1)]
    if len(centres) < count:
        raise NotEnoughData(f"{field.name} has too few marks for a template.")
    chosen: NDArray[np.float64] = np.random.default_rng(seed).permutation(centres)[:count]
    return chosen


def find_on_all_steps(
    fields: Sequence[MarkedField], kind: Kind, template_field: int | None
) -> Steps[RealPicking]:
    """Pick on every field with the ten clicked particles of one, or None, as the template."""
    chosen = fields[template_field or 0]
    template = None
    if template_field is not None:
        template = Template.learnt(
            chosen.images[kind], PIXEL_SIZE_ANGSTROM, clicked(chosen), DIAMETER_ANGSTROM
        )
    config = PickingConfig(
        diameter_angstrom=DIAMETER_ANGSTROM,
        edge=BORDER_PX * PIXEL_SIZE_ANGSTROM / DIAMETER_ANGSTROM,
    )
    judged, threshold = [], 0.0
    for i, field in enumerate(fields):
        yield Progress(f"picking on {kind}", i, len(fields))
        image = field.images[kind]
        picks = pick(image, PIXEL_SIZE_ANGSTROM, config, template=template)
        if field is chosen:
            threshold = suggested_threshold(picks.scores)
        shape = (image.shape[0], image.shape[1])
        judged.append(
            PickScore.of(
                picks, field.centres_px, shape, tolerance_px=TOLERANCE_PX, border_px=BORDER_PX
            )
        )
    return RealPicking(
        kind,
        "" if template is None else chosen.name,
        threshold,
        tuple(one.at(threshold).f1 for one in judged),
        best_threshold(judged)[1],
        tuple(judged),
    )
