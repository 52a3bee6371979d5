"""Litmus tests: the smallest programs that tell one memory model from another."""
