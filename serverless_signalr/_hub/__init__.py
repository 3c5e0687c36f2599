"""The internals of ServerlessHub: events, methods, client proxies, negotiate, the HTTP upstream."""
