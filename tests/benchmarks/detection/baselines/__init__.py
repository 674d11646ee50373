"""Methods of others, as their authors describe them, on the ground that all methods get."""
