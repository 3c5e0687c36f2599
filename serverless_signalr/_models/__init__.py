"""The typed values that SignalR bindings pass to functions and accept from them.

Source: https://learn.microsoft.com/azure/azure-functions/functions-bindings-signalr-service.
"""
