"""Camera paths in files: RealEstate10K text, transforms.json, camera_path.json, COLMAP text."""
