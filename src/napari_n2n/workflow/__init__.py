"""The way from files to results, as generators: what the command line and the window both run."""
