"""The application, for gunicorn: `gunicorn -c ml_backend/gunicorn.conf.py ml_backend._wsgi:app`."""

from __future__ import annotations

import logging

from ml_backend.app import create_app
from ml_backend.settings import Settings

_settings = Settings()
logging.basicConfig(
    level=_settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
)
app = create_app(_settings)
