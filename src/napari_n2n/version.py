"""The version, where everything may import it, and those of what computes beside it."""

from collections.abc import Iterable

__version__ = "0.8.0"


def versions_of(packages: Iterable[str]) -> dict[str, str]:
    """Return what computes here, by name: this program, those ``packages`` that are there, Python.

    What is not installed is left out.
    """
    import platform
    from importlib.metadata import PackageNotFoundError, version

    found = {"napari-n2n": __version__}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return {**found, "Python": f"{platform.python_version()} on {platform.system()}"}
