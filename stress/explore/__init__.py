"""A simulated machine: every schedule, and every read the memory model permits."""
