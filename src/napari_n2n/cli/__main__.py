"""``python -m napari_n2n.cli`` is ``napari-n2n``."""

from napari_n2n.cli import main

main()
