"""The failures this project can explain, each in one sentence a scientist can act on."""

from pathlib import Path


class N2NError(Exception):
    """A failure whose message says what happened, to what, and what to do next.

    It is deliberately no ``RuntimeError``: napari's generator workers swallow those.
    """


class BadValue(N2NError, ValueError):
    """A number or choice that someone gave cannot be right."""


class FileProblem(N2NError):
    """A file cannot be used.

    Parameters
    ----------
    path
        The file.
    fault
        What is wrong with it, as a clause: ``"is empty"``.
    remedy
        What to do, as a sentence: ``"Copy it again from the microscope."``
    """

    def __init__(self, path: Path | str, fault: str, remedy: str) -> None:
        self.path = Path(path)
        self.fault = fault
        self.remedy = remedy
        super().__init__(f"{self.path} {fault}. {remedy}")


class UnreadableFile(FileProblem):
    """The file is torn, empty, mislabelled, of an unknown kind, or cannot be opened."""


class BadPixels(FileProblem):
    """The file is sound but its pixels are useless: NaN, infinite, or all the same."""


class ShapeMismatch(FileProblem):
    """Two images that belong together (halves, gain and movie) differ in shape."""


class WriteProblem(FileProblem):
    """A result could not be written; whatever was at that path before is untouched."""


class CheckpointProblem(FileProblem):
    """A model file is foreign, damaged, hostile or made for other data."""


class NotEnoughData(N2NError):
    """There are too few or too small images for what was asked."""


class TrainingDiverged(N2NError):
    """The loss became NaN or infinite; the last good weights are kept."""


class DeviceProblem(N2NError):
    """The compute device is missing, or ran out of memory on the smallest possible piece."""


def told_of(path: Path, problem: N2NError) -> N2NError:
    """Return a problem that says which file of many it is about."""
    if isinstance(problem, FileProblem) or path.name in str(problem):
        return problem
    return type(problem)(f"{path}: {problem}")
