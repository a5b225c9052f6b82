"""Noise2Noise on tomograms whose truth is known."""
