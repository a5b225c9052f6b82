"""A screen for each process of tests, so that windows of two do not take each other's focus."""

import os
import shutil
import subprocess

# The screen is gone when its owner is, however that ended: nobody holds the pipe it reads then.
_WHILE_SOMEBODY_LISTENS = 'Xvfb -displayfd "$0" -screen 0 1600x1000x24 -nolisten tcp & cat; kill $!'


_made: list[subprocess.Popen[bytes]] = []


def own_screen() -> bool:
    """Make a screen that only this process has, for as long as it lives; tell whether it could be.

    What is started from here on, Qt included, finds it by ``DISPLAY``.
    """
    if shutil.which("Xvfb") is None:
        return False
    reading, writing = os.pipe()
    server = subprocess.Popen(
        ["sh", "-c", _WHILE_SOMEBODY_LISTENS, str(writing)],
        pass_fds=[writing],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    with os.fdopen(reading) as told:
        number = told.readline().strip()  # a free one, told once it can be used
    if not number:
        return False
    os.environ["DISPLAY"] = f":{number}"
    _made.append(server)
    return True
