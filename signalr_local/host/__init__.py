"""Azure Functions host: HTTP, the SignalR bindings, and the app in a worker process."""
