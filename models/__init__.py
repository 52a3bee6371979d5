"""What must hold, a module per subject: reference model, machine, and known-bad mutants."""
