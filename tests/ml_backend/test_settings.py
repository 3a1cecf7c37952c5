"""Settings come from the environment, and a token never without its address."""

from __future__ import annotations

import pytest
from pydantic import SecretStr, ValidationError

from ml_backend.connections import Connections
from ml_backend.settings import Settings
from tests.folders import ROOT


def test_reads_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACKANYTHING_PORT", "9191")
    monkeypatch.setenv("TRACKANYTHING_SEGMENTER", "sam_vit_h")
    settings = Settings()
    assert settings.port == 9191
    assert "sam_vit_h" in settings.model_version


def test_the_token_does_not_show() -> None:
    settings = Settings(label_studio_url="http://ls", label_studio_api_key=SecretStr("very-secret"))
    assert "very-secret" not in repr(settings)


def test_a_token_without_an_address_is_refused() -> None:
    with pytest.raises(ValidationError, match="needs TRACKANYTHING_LABEL_STUDIO_URL"):
        Settings(label_studio_api_key=SecretStr("very-secret"))


def test_label_studio_introduces_itself_where_nothing_is_set() -> None:
    connections = Connections(Settings())
    assert connections.of("1").base_url == ""
    connections.introduce("1", "http://ls:8080", "token")
    assert connections.of("1").base_url == "http://ls:8080/"
    assert connections.of("2").base_url == ""


def test_settings_win_over_what_label_studio_says() -> None:
    connections = Connections(Settings(label_studio_url="http://inside:8080"))
    connections.introduce("1", "http://evil.example", "token")
    assert connections.of("1").base_url == "http://inside:8080/"


def test_the_page_for_administrators_names_every_setting() -> None:
    page = (ROOT / "docs" / "admin.md").read_text()
    names = [f"TRACKANYTHING_{field.upper()}" for field in Settings.model_fields]
    assert [name for name in names if f"`{name}`" not in page] == []
