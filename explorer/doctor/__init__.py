"""What this machine can do for a walk, in plain words."""
