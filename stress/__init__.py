"""A harness that tries to prove concurrent Python wrong, and says exactly what a pass means."""
