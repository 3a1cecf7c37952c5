"""Pictures drawn by the program: textures, shapes, motion and layers, for training and the demo."""
