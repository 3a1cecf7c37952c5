"""The repository as a whole: what its texts promise, name and link to."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.folders import ROOT

LONGEST_FILE = 400
EMBEDDED_WEIGHTS_LIMIT = 20_000_000  # bytes

# Put together from pieces, so that this file does not name them itself.
FORBIDDEN = [
    re.compile(r"(?<![\w.])/(?:work|farm)" + "/"),  # paths of one machine
    *(
        re.compile(re.escape(host))
        for host in (
            "py" + "pi.org",
            "python" + "hosted.org",
            "download.py" + "torch.org",
            "gh" + "cr.io",
            "npm" + "js",
        )
    ),
]


def kept_files(*patterns: str) -> list[Path]:
    """Files that are in the repository or about to be, relative to its root."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *patterns],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    names = {Path(name) for name in listing.split("\0") if name}
    return sorted(name for name in names if (ROOT / name).is_file())


def text_of(path: Path) -> str | None:
    """The text of a file, or None if it is a picture, an archive or the like."""
    try:
        return (ROOT / path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


@pytest.mark.parametrize("pattern", FORBIDDEN, ids=lambda pattern: pattern.pattern)
def test_no_file_names_a_machine_or_a_package_registry(pattern):
    found = [str(path) for path in kept_files() if pattern.search(text_of(path) or "")]
    assert not found


def test_no_file_of_ours_is_longer_than_one_idea():
    sources = kept_files("trackanything_core/*.py", "ml_backend/*.py", "tests/*.py")
    assert sources
    lines = {str(path): (ROOT / path).read_text().count("\n") for path in sources}
    assert not {path: count for path, count in lines.items() if count > LONGEST_FILE}


def test_embedded_weights_stay_small():
    weights = kept_files("trackanything_core/models/embedded/*")
    assert sum((ROOT / path).stat().st_size for path in weights) <= EMBEDDED_WEIGHTS_LIMIT


@pytest.mark.parametrize("page", kept_files("*.md"), ids=str)
def test_relative_links_resolve(page):
    targets = re.findall(r"\]\(([^)\s]+)\)", (ROOT / page).read_text())
    broken = [
        target
        for target in targets
        if not re.match(r"[a-z]+:|#", target)
        and not (ROOT / page.parent / target.split("#")[0]).exists()
    ]
    assert not broken
