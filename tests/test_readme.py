"""The commands that the documents show exist, with the options that they show."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.folders import ROOT

PAGES = ["README.md", "CONTRIBUTING.md", "docs/evaluation.md"]
PROGRAMS = Path(sys.executable).parent


def shown_commands() -> list[str]:
    """Lines of shell blocks and commands quoted in tables and text."""
    commands: list[str] = []
    for page in PAGES:
        text = (ROOT / page).read_text()
        for block in re.findall(r"```bash\n(.*?)```", text, flags=re.DOTALL):
            commands += block.splitlines()
        commands += re.findall(r"`((?:uv|bash|docker|pip) [^`\n]+)`", text)
    return list(dict.fromkeys(commands))


def starting_with(prefix: str) -> list[list[str]]:
    found = [shlex.split(line, comments=True) for line in shown_commands()]
    return [words for words in found if words[: len(prefix.split())] == prefix.split()]


def test_the_two_commands_of_a_newcomer_are_shown():
    commands = shown_commands()
    assert "uv run trackanything demo --out out/demo" in commands
    assert "uv run pytest" in commands


@pytest.mark.parametrize("words", starting_with("uv run trackanything"), ids=shlex.join)
def test_our_program_knows_the_command_and_its_options(words):
    command, *arguments = words[3:]
    commands = [command]
    if command in ("project", "jobs", "train") and not arguments[0].startswith("-"):
        commands.append(arguments.pop(0))
    environment = {**os.environ, "COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"}
    run = subprocess.run(
        [PROGRAMS / "trackanything", *commands, "--help"],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert run.returncode == 0, run.stderr
    for option in (word for word in arguments if word.startswith("--")):
        assert re.search(rf"{option}\b", run.stdout)


@pytest.mark.parametrize("words", starting_with("uv run"), ids=shlex.join)
def test_the_environment_has_the_program(words):
    assert (PROGRAMS / words[2]).exists()


@pytest.mark.parametrize("words", starting_with("uv run pytest -m"), ids=shlex.join)
def test_the_marker_is_declared(words, pytestconfig):
    declared = {line.split(":")[0] for line in pytestconfig.getini("markers")}
    assert words[4] in declared


@pytest.mark.parametrize("words", starting_with("bash"), ids=shlex.join)
def test_the_script_is_there(words):
    assert os.access(ROOT / words[1], os.X_OK)


def test_pip_is_told_of_builds_that_we_accept():
    ours = [Requirement(line) for line in requires("trackanything-label-studio") or []]
    accepted = {requirement.name: requirement.specifier for requirement in ours}
    (pair,) = [words[2:] for words in starting_with("pip install") if "torch===" in words[2]]
    for name, version in (exact.split("===") for exact in pair):
        assert accepted[name].contains(version)
