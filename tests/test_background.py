import time

import pytest

from napari_n2n.background import background_steps
from napari_n2n.progress import run_to_end


def test_work_that_tells_nothing_can_be_stopped_at_once_and_its_error_is_seen():
    assert run_to_end(background_steps(lambda: 7, "thinking")) == 7
    started = time.monotonic()
    steps = background_steps(lambda: time.sleep(2), "thinking")
    next(steps)
    steps.close()
    assert time.monotonic() - started < 1
    with pytest.raises(ZeroDivisionError):
        run_to_end(background_steps(lambda: 1 / 0, "thinking"))
