"""What is shown beside the world: pictures, strip, reasons, consistency, controls."""
