"""Models that others trained: what there is, where it lies, and fetching it when asked to."""
