"""Pages that explain themselves: HTML in one file, with plots in it as SVG."""
