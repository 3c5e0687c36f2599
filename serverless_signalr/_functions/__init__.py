"""Between the worker and a function: values in, answers out."""
