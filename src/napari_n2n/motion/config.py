"""How motion is measured and frames are added: one frozen model."""

from typing import Literal

from pydantic import Field

from napari_n2n.settings import Settings


class MotionConfig(Settings):
    """Settings of ``align``; the defaults suit cryo-EM movies of single particles.

    Attributes
    ----------
    patches
        Whether to follow bending of the field as well; ``"auto"``: where the field is at least
        2,400 Å wide and high.
    estimation_pixel_size_angstrom
        Frames are Fourier-cropped to about this before they are compared: beyond 8 Å a single
        frame holds too little signal to say anything about motion.
    largest_drift_angstrom
        How far a frame, or a sum of neighbouring ones, is looked for from where it is expected; at
        most a quarter of the field.
    reference_frame
        The frame in which the sums lie: the middle one, in which the specimen has moved least away
        from all others, or the first, as RELION's and MotionCor2's do.
    dose_weighting
        Weight the frames' frequencies by radiation damage (Grant & Grigorieff 2015).
    voltage_kv
        For dose weighting.
    pre_exposure
        Dose before the first frame, e/Å², for dose weighting.
    device
        ``"auto"`` takes a CUDA device where there is one, and the CPU where that fails.
    """

    patches: Literal["auto"] | bool = "auto"
    estimation_pixel_size_angstrom: float = Field(default=4.0, gt=0, le=20)
    largest_drift_angstrom: float = Field(default=150.0, gt=0)
    reference_frame: Literal["middle", "first"] = "middle"
    dose_weighting: bool = False
    voltage_kv: float = Field(default=300.0, ge=60, le=1000)
    pre_exposure: float = Field(default=0.0, ge=0)
    device: str = "auto"
