"""Denoise cryo-EM micrographs without clean data, in napari and without a screen.

Importing this package is cheap on purpose: napari imports every plugin when it starts, and the
command line prints its help without torch. Import what is needed from the subpackages.
"""

import os

__version__ = "0.5.0"

# torch's threads spin while they wait for each other. With anything else running on the machine
# they then spin for one that is not being run: training was measured up to 5 times slower than with
# a short spin, which costs 3 % on a quiet machine. OpenMP reads this when torch is first imported.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")
