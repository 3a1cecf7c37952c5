"""Fixtures and rules that hold for every test."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import settings

from tests import folders

# How long an example takes says more about the machine's other work than about the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def pytest_configure() -> None:
    """Give every worker one thread, before a test imports NumPy, OpenCV or torch.

    Workers that share few cores are faster this way, and sums come out the same everywhere.
    """
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"):
        os.environ.setdefault(variable, "1")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One worker per core, four at most; end-to-end tests share one Label Studio, hence one worker.

    (A group of xdist's would be the plain way, but xdist 3.8 forms none under pytest 9.2.)
    """
    end_to_end = str(config.getoption("markexpr")).startswith("e2e")
    return 1 if end_to_end else min(4, os.cpu_count() or 1)


def _existing(variable: str) -> Path:
    path = folders.folder(variable)
    if not path.is_dir():
        pytest.skip(folders.missing(variable))
    return path


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Real pictures and videos: clips/, davis_dev/, coco200/."""
    return _existing(folders.DATA)


@pytest.fixture(scope="session")
def goldens_dir() -> Path:
    """Inputs and outputs of the official XMem code: goldens.json and what it names."""
    return _existing(folders.GOLDENS)


@pytest.fixture(scope="session")
def reference_dir() -> Path:
    """Recorded Label Studio requests and values of the official metric."""
    return _existing(folders.REFERENCE)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip tests marked `gpu` where torch finds no CUDA device."""
    if item.get_closest_marker("gpu") is not None:
        import torch

        if not torch.cuda.is_available():
            pytest.skip("needs a CUDA device")


def _data_is_promised() -> bool:
    """In CI the data is promised, so a test that skips for want of it would hide a failure."""
    said = os.environ.get("TRACKANYTHING_FORBID_DATA_SKIPS") or os.environ.get("CI", "")
    return said.lower() in {"1", "true"}


def _forbid_missing_data(report: pytest.TestReport | pytest.CollectReport) -> None:
    if report.skipped and _data_is_promised() and isinstance(report.longrepr, tuple):
        reason = report.longrepr[2].removeprefix("Skipped: ")
        if reason.startswith(folders.MISSING):
            report.outcome = "failed"
            report.longrepr = reason


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let no test skip for missing data where the data is promised."""
    report = yield
    _forbid_missing_data(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for modules that skip as a whole while they are collected."""
    report = yield
    _forbid_missing_data(report)
    return report
