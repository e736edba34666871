"""Real things as triangle meshes: catalogues of Sweet Home 3D, packed, cast by Embree."""
