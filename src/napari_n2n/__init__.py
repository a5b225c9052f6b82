"""Denoise cryo-EM micrographs without clean data, in napari and without a screen.

Importing this package is cheap on purpose: napari imports every plugin when it starts, and the
command line prints its help without torch. Import what is needed from the subpackages.
"""

__version__ = "0.1.0"
