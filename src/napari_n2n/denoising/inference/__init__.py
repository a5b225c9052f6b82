"""Using a denoiser on images of any size."""
