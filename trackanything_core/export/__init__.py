"""Writers of finished tracks in the formats of others."""
