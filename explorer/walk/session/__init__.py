"""A walk that can be undone, branched, saved and gone on with; what the app and its worker hold."""
