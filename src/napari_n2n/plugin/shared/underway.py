"""Telling what a widget does to itself from what its user does."""


class Underway:
    """True within its ``with`` block: what widgets tell meanwhile is not the user's doing."""

    def __init__(self) -> None:
        self._depth = 0

    def __enter__(self) -> None:
        self._depth += 1

    def __exit__(self, *_: object) -> None:
        self._depth -= 1

    def __bool__(self) -> bool:
        return self._depth > 0
