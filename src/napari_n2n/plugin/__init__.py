"""napari-n2n in napari: the only place where napari, Qt and magicgui are used.

napari imports this package when it starts, so nothing heavy is imported here.
"""
