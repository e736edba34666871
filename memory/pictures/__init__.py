"""Views at the picture's size: what people get, and where its colours come from."""
