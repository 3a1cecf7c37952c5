"""How gunicorn serves the backend.

One process, since the networks and the sessions live in it; threads, so that `/health` is answered
during a long prediction. No preload: a process must not fork after torch has started.
"""

from ml_backend.settings import Settings

_settings = Settings()

bind = f"{_settings.host}:{_settings.port}"
worker_class = "gthread"
workers = 1
threads = 16
preload_app = False
timeout = 60  # of the worker's heartbeat; requests may take longer
graceful_timeout = 30
keepalive = 5
control_socket_disable = True  # its default path would be shared by all servers of one user
