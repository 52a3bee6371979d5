"""Litmus tests in herd7's C format, and what must be observed of each under each memory model.

They are run by ``stress litmus``, all or by name; `stress.litmus.library` describes the folder.
"""
