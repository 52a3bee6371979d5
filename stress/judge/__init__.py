"""The judge: whether an order of the calls agrees with a sequential specification."""
