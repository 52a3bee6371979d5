"""The commands of `stress` that run models; those of the explorer are beside it."""
