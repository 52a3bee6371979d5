"""The searches, one file each: which executions are visited, and in which order."""
