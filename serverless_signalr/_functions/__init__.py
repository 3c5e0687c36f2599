"""The adaptation of functions with typed bindings for the worker."""
