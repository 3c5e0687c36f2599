"""Azure SignalR Service, first-class in Azure Functions for Python."""
