"""The command line as a person types it."""

import sys

from napari_n2n.cli import main


def call(*arguments) -> int:
    """Run the command line in this process as `napari-n2n` would, return its exit code."""
    before = sys.argv
    sys.argv = ["napari-n2n", *map(str, arguments)]
    try:
        main()
    except SystemExit as ended:
        return ended.code or 0
    finally:
        sys.argv = before
    return 0
