"""Bundle adjustment: cameras, lenses and depths that points and matches agree on."""
