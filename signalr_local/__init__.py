"""The local runtime: the service, the Functions host and the app in a worker, on one machine."""
