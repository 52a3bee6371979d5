"""Facts about the registrar, the harness and the models."""
