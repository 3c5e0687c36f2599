"""The tools of serverless_signalr.testing. Apps never import them."""
