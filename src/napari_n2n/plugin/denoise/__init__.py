"""The Denoise widget: trained or loaded, raw and denoised side by side."""
