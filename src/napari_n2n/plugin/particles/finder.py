"""Looks for particles in the micrograph in hand, and for their diameter."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal

from napari_n2n.plugin.shared.jobs import Runner
from napari_n2n.workflow import find_particles as finding

if TYPE_CHECKING:
    from napari_n2n.particles.sizes import DiameterGuess
    from napari_n2n.plugin.particles.finding_form import FindingChoice
    from napari_n2n.plugin.particles.marking import MarkedParticles
    from napari_n2n.plugin.particles.scene import ParticlesScene
    from napari_n2n.progress import Steps, Stop
    from napari_n2n.workflow.fields_of_view import DenoisedMicrograph


class ParticleFinder(Runner):
    """Picks, or guesses the diameter, one at a time.

    What was asked of one micrograph is not told of another that is chosen meanwhile.

    Signals
    -------
    begun
        A job has begun; with its title.
    found
        What was found, a `FoundParticles`.
    guessed
        A `DiameterGuess`, in Å, or in px where the pixel size is unknown.
    """

    begun = Signal(str)
    found = Signal(object)
    guessed = Signal(object)

    def __init__(
        self, scene: "ParticlesScene", marking: "MarkedParticles", parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._scene = scene
        self._marking = marking
        self._tell: Callable[[Any], None] = lambda _result: None
        self._guess_is_wanted = False
        self._guess_next: FindingChoice | None = None
        self.succeeded.connect(self._on_succeeded)

    @property
    def can_learn(self) -> bool:
        """Whether enough particles are marked to look for others like them."""
        return finding.enough_for_a_template(len(self._marked_px()))

    def pick(self, choice: "FindingChoice") -> None:
        """Find particles in the micrograph, where there is one."""
        micrograph = self._micrograph(choice)
        if micrograph is None:
            return
        marked = self._marked_px() if choice.like_the_marked else None
        drawn = self._scene.avoid.area
        avoid = drawn if choice.avoid_contamination and drawn is not None else None
        self._begin(
            "Picking",
            lambda stop: finding.find_particles_steps(
                micrograph,
                choice.diameter_angstrom,
                marked_px=marked,
                avoid=choice.avoid_contamination if avoid is None else avoid,
                stop=stop,
            ),
            self.found.emit,
        )

    def guess(self, choice: "FindingChoice") -> None:
        """Guess the diameter, now or once what is running has ended."""
        micrograph = self._micrograph(choice)
        self._guess_is_wanted = True
        # What is running for the last micrograph is being stopped, and is waited for.
        self._guess_next = choice if micrograph is not None and self.busy else None
        if micrograph is not None and self._guess_next is None:
            self._begin(
                "Guessing",
                lambda stop: finding.guess_diameter_steps(micrograph, stop),
                self._on_guessed,
            )

    def guess_if_asked(self) -> None:
        """Begin the guess that had to wait; to be called when a job has finished."""
        if self._guess_next is not None:
            self.guess(self._guess_next)

    def drop_guess(self) -> None:
        """Tell no guess: somebody has given the diameter."""
        self._guess_is_wanted = False

    def leave(self) -> None:
        """Stop, and begin nothing more."""
        self._guess_next = None
        self.stop()

    def _micrograph(self, choice: "FindingChoice") -> "DenoisedMicrograph | None":
        """Return the micrograph in hand; what is said now wins over what it was taken for."""
        field = self._scene.field
        if field is None or choice.contrast == "auto":
            return field
        return replace(field, contrast=choice.contrast)

    def _begin(
        self,
        title: str,
        steps: "Callable[[Stop], Steps[Any]]",
        tell: Callable[[Any], None],
    ) -> None:
        field = self._scene.field
        if self.start(title, steps):
            self._tell = lambda result: tell(result) if self._scene.field is field else None
            self.begun.emit(title)

    def _on_succeeded(self, result: Any) -> None:
        self._tell(result)

    def _on_guessed(self, guess: "DiameterGuess") -> None:
        if self._guess_is_wanted:
            self.guessed.emit(guess)

    def _marked_px(self) -> NDArray[np.float64]:
        """Return (n, 2) y, x of what a person marked intact."""
        particles = self._marking.view.particles
        chosen = (particles.labels == "intact") & (particles.given_by == "person")
        centres_px: NDArray[np.float64] = particles.centres_px[chosen]
        return centres_px
