"""Weighting frames by the damage that the beam had done when they were taken."""

import torch


class DoseWeights:
    """The exposure filter of Grant & Grigorieff 2015 (eLife 4:e06980).

    A frequency k has faded by exp(-N / 2 Ne(k)) after the dose N, and frames are best added with
    these as weights (their equations 3 to 5). The sum divides by the root of the summed squares, so
    that the noise stays white.

    Parameters
    ----------
    shape
        (y, x) of the frames.
    pixel_size_angstrom, dose_per_frame
        Å and e/Å².
    pre_exposure
        Dose before the first frame in e/Å².
    voltage_kv
        Critical doses were measured at 300 kV; slower electrons do more damage.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        pixel_size_angstrom: float,
        dose_per_frame: float,
        pre_exposure: float,
        voltage_kv: float,
        device: torch.device,
    ) -> None:
        # Here, because the library takes long to import.
        from torch_fourier_filter.dose_weight import critical_exposure

        y = torch.fft.fftfreq(shape[0], pixel_size_angstrom, device=device)
        x = torch.fft.rfftfreq(shape[1], pixel_size_angstrom, device=device)
        self._rate = -0.5 / critical_exposure(torch.hypot(y[:, None], x[None, :]))
        self._rate *= 1.0 / _relative_critical_dose(voltage_kv)
        self._pre_exposure, self._dose_per_frame = pre_exposure, dose_per_frame

    def of_frame(self, index: int) -> torch.Tensor:
        """Return the weights of frame ``index`` (from 0), (y, x // 2 + 1), in [0, 1]."""
        dose = self._pre_exposure + self._dose_per_frame * (index + 1)
        return torch.exp(self._rate * dose)


def _relative_critical_dose(voltage_kv: float) -> float:
    """Return the critical dose relative to that at 300 kV: 0.8 at 200 kV, 0.64 at 100 kV.

    These are the factors RELION uses; between them they are interpolated.
    """
    if voltage_kv >= 300:
        return 1.0
    if voltage_kv >= 200:
        return 0.8 + 0.2 * (voltage_kv - 200) / 100
    return max(0.5, 0.64 + 0.16 * (voltage_kv - 100) / 100)
