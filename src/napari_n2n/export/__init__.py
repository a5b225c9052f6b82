"""Handing on to RELION, cryoSPARC and people: lists, tables, links, coordinates, reports."""
