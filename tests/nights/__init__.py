"""Nights: the workflow, its scripts, and what is gathered."""
