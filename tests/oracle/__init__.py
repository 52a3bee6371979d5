"""A second opinion on the explorer: every candidate execution, judged by the axioms one by one."""
