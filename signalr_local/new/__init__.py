"""New apps: ``signalr-local new``."""
