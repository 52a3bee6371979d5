"""What a run came to, as one data structure, and the forms it is shown in."""
