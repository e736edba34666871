"""What tells the lens of a picture from what an image encoder sees in it."""
