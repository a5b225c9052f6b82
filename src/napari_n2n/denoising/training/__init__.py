"""From noisy images to a denoiser: what is drawn from them, the loop, and what it is used for."""
