"""Events of the service as HTTP requests to the app."""
