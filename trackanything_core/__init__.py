"""Track Anything: a few clicks become masks on every frame of a video.

The library and command line. It knows nothing of HTTP, Label Studio or percent units;
`ml_backend` stands on top of it.
"""

import os

# OpenMP reads this once, as torch is imported. By default threads that wait for each other keep
# their cores busy, and where other programs want these too, a step takes up to a hundred times
# as long. Who has the machine alone may set ACTIVE.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
