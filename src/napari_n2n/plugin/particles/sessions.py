"""Where the marks of a layer are kept: in the session beside its file, or in the user's folder."""

from pathlib import Path
from typing import TYPE_CHECKING

from napari_n2n.plugin.shared.layers import memory_of, pixel_size_of
from napari_n2n.session import OpenedSession, Session, open_session
from napari_n2n.session.paths import session_path_of_user

if TYPE_CHECKING:
    from napari.layers import Image


class SessionHandles:
    """The session files that a widget has open; each is opened once."""

    def __init__(self) -> None:
        self._open: dict[Path | str, OpenedSession] = {}

    def session_for(self, layer: "Image") -> tuple[Session, int, str]:
        """Return the session and the micrograph's number in it, and a note where one is due.

        Marks on a layer without a file, or whose folder cannot be written, are kept in the user's
        data folder.

        Raises
        ------
        FileProblem
            There is a session, and it cannot be used; or it was made for another image.
        WriteProblem
            Not even the user's data folder, or the session in it, can be written.
        """
        file = file_of(layer)
        name: Path | str = layer.name if file is None else file
        opened = self._opened(layer.name if file is None else file.parent)
        micrograph = opened.session.micrographs.find_or_add(
            name,
            shape=(int(layer.data.shape[0]), int(layer.data.shape[1])),
            pixel_size_angstrom=pixel_size_of(layer),
        )
        return opened.session, micrograph, opened.note

    def close(self) -> None:
        """Close all files."""
        for opened in self._open.values():
            opened.session.close()
        self._open.clear()

    def _opened(self, where: Path | str) -> OpenedSession:
        """Return the session of a folder, or of a layer that has a name alone."""
        known = self._open.get(where)
        if known is not None and known.session.read_only:
            # It is a copy as of then, and the file may be written by now.
            self._open.pop(where).session.close()
        if where not in self._open:
            if isinstance(where, Path):
                opened = open_session(where, marks_elsewhere=True)
                assert opened is not None
            else:
                opened = OpenedSession(Session.open(session_path_of_user(where)))
            self._open[where] = opened
        return self._open[where]


def file_of(layer: "Image") -> Path | None:
    """Return the file that a layer was made from, if it is known and there."""
    told = memory_of(layer).path or layer.source.path
    path = Path(told) if told else None
    return path if path is not None and path.is_file() else None
