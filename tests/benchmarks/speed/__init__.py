"""The parts of ``bench_speed.py``: what is measured, and how measuring is done.

The parent process runs one thing after another and stays small (no numpy, no torch), because on
Linux a child's peak memory starts from its parent's. All that computes is in ``tasks`` and runs in
processes of its own.
"""
