"""Opening files, as the reader of the plugin and the command line do."""

import time


def movie(path: str) -> dict[str, float]:
    """Open a movie and read its first frame."""
    started = time.perf_counter()
    from napari_n2n.io import open_movie

    imported = time.perf_counter()
    opened = open_movie(path)
    known = time.perf_counter()
    opened.frame(0)
    read = time.perf_counter()
    return {
        "import_seconds": imported - started,
        "seconds": known - imported,
        "first_frame_seconds": read - known,
    }


def micrograph(path: str) -> dict[str, float]:
    """Read a micrograph whole."""
    from napari_n2n.io import read_micrograph

    started = time.perf_counter()
    read_micrograph(path)
    return {"seconds": time.perf_counter() - started}
