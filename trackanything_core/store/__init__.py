"""One database of sessions, prompts, masks and jobs; SQLite by default, PostgreSQL by URL."""
