"""Files that appear whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4


@contextmanager
def replaced_on_success(path: Path) -> Iterator[Path]:
    """Lend a temporary path beside `path`, and move it there when the block ends well.

    When the block raises, the temporary file goes and what stood at `path` stays as it was.

    Args:
        path: the file to write; its folder must exist.

    Yields:
        A hidden path in the same folder, so that the move cannot cross file systems. Its suffix
        is not that of `path`: name the format to writers that guess it from there.
    """
    temporary = path.with_name(f".{path.name}.{uuid4().hex[:12]}.part")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
