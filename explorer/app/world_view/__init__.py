"""The growing cloud, the stored cameras and the picture that is drawn, in OpenGL."""
