"""The hub protocol without I/O: bytes in, messages out.

Source: https://github.com/dotnet/aspnetcore/blob/main/src/SignalR/docs/specs/HubProtocol.md.
"""
