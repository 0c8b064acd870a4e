"""Tables, sessions and migrations; SQLite and PostgreSQL behave the same."""
