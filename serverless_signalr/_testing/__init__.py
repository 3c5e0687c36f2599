"""The tools of serverless_signalr.testing. Never imported by an app."""
