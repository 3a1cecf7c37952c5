"""Background work on sessions: a queue in the database, and runners that work it off."""
