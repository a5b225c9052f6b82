"""Stopping within a second, even inside a step that takes half a minute."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor, nn

from napari_n2n.progress import Interrupted, Stop


@contextmanager
def interruptible(network: nn.Module, stop: Stop) -> Iterator[None]:
    """Ask ``stop`` before and after every layer, forward and backward.

    A step of the paper's network takes many seconds on a CPU; one of its layers does not.

    Raises
    ------
    Interrupted
        From inside the network, as soon as ``stop()`` is true.
    """

    def check() -> None:
        if stop():
            raise Interrupted

    def forward(_module: nn.Module, _inputs: object, output: Tensor) -> None:
        check()
        if output.requires_grad:
            output.register_hook(lambda _gradient: check())

    leaves = [module for module in network.modules() if not list(module.children())]
    handles = [leaf.register_forward_hook(forward) for leaf in leaves]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
