"""What napari opens and saves through this plugin: readers, writers, sample data."""
