"""Training U-Nets on pairs of noisy images, and denoising with them (numpy and torch)."""
