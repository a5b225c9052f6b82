"""The Screening widget: a night's micrographs, kept or rejected with one key each."""
