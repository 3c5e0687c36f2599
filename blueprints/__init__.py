"""The functions of this app, one module a subject."""
