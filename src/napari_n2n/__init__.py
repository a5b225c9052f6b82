"""Denoise cryo-EM micrographs without clean data, in napari and without a screen.

Importing this package is cheap on purpose: napari imports every plugin when it starts, and the
command line prints its help without torch. Import what is needed from the subpackages.
"""

import os

__version__ = "0.1.0"

# torch's threads spin while they wait for each other. With anything else running on the machine
# they then wait for one that is not being run: training was measured 5 to 12 times slower. OpenMP
# reads this once, when torch is first imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
