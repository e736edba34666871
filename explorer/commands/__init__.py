"""Groups of the command line. Only click is imported here; each command imports its own part."""
