"""What the one worker thread is asked to do, does, and tells."""
