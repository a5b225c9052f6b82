"""Where the marks of a layer are kept: in the session beside its file, or in the user's folder."""

from pathlib import Path
from typing import TYPE_CHECKING

from napari_n2n.errors import WriteProblem
from napari_n2n.plugin.shared.layers import memory_of, pixel_size_of
from napari_n2n.plugin.shared.preferences import session_in_user_folder
from napari_n2n.session import Session, default_session_path

if TYPE_CHECKING:
    from napari.layers import Image


class SessionHandles:
    """The session files that a widget has open; each is opened once."""

    def __init__(self) -> None:
        self._open: dict[Path, Session] = {}

    def session_for(self, layer: "Image") -> tuple[Session, int, str]:
        """Return the session and the micrograph's number in it, and a note where one is due.

        Marks on a layer without a file, or whose folder cannot be written, are kept in the user's
        data folder.

        Raises
        ------
        FileProblem
            There is a session, and it cannot be used; or it was made for another image.
        WriteProblem
            Not even the user's data folder can be written.
        """
        note = ""
        file = file_of(layer)
        name: Path | str = layer.name if file is None else file
        where = session_in_user_folder(name) if file is None else default_session_path(file)
        try:
            session = self._session(where)
            session.require_writable()
        except WriteProblem as problem:
            if file is None:
                raise
            note = str(problem)
            session = self._session(session_in_user_folder(file.parent))
        micrograph = session.micrograph(
            name,
            shape=(int(layer.data.shape[0]), int(layer.data.shape[1])),
            pixel_size_angstrom=pixel_size_of(layer),
        )
        return session, micrograph, note

    def close(self) -> None:
        """Close all files."""
        for session in self._open.values():
            session.close()
        self._open.clear()

    def _session(self, path: Path) -> Session:
        if path not in self._open:
            self._open[path] = Session.open(path)
        return self._open[path]


def file_of(layer: "Image") -> Path | None:
    """Return the file that a layer was made from, if it is known and there."""
    told = memory_of(layer).path or layer.source.path
    path = Path(told) if told else None
    return path if path is not None and path.is_file() else None
