"""Pictures from videos and folders, addressed by frame; without torch."""
