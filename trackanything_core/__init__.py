"""Track Anything: a few clicks become masks on every frame of a video.

The library and command line. It knows nothing of HTTP, Label Studio or percent units;
`ml_backend` stands on top of it.
"""
