"""The detection bench: our line, its ablations and the methods of others on the same worlds, side by side."""
