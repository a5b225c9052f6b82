"""The parts of ``bench_gpu.py``.

Each part runs in a process of its own, forked from one that has imported everything and never
touched the card: a part that hangs or crashes is ended alone, and what it told before is kept.
"""
