import pytest

from napari_n2n.errors import WriteProblem
from napari_n2n.session import Session, open_session

from ..workflow.screening.screened import screened_folder


def refusing(folder):
    """Return a `Session.open` that cannot write to ``folder``."""
    opened = Session.open

    def refuse(path):
        if path.parent == folder:
            raise WriteProblem(path, "is locked", "Try again.")
        return opened(path)

    return refuse


def test_a_session_that_cannot_be_opened_is_not_replaced_by_an_empty_one(tmp_path, monkeypatch):
    screened_folder(tmp_path / "night").close()
    monkeypatch.setattr(Session, "open", refusing(tmp_path / "night"))
    for make in (False, True):
        with pytest.raises(WriteProblem, match="is locked"):
            open_session(tmp_path / "night", make=make)


def test_where_the_folder_cannot_be_written_the_users_own_is_used(tmp_path, monkeypatch):
    (tmp_path / "night").mkdir()
    monkeypatch.setattr(Session, "open", refusing(tmp_path / "night"))
    assert open_session(tmp_path / "night", make=False) is None
    opened = open_session(tmp_path / "night", make=True)
    assert opened.session.path.parent != tmp_path / "night"
    assert "locked" in opened.note
    opened.session.close()
