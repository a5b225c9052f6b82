"""The Particles widget: particles found, marked, suggested, looked over in a gallery."""
