"""Fixtures that the tests of the local runtime share with those of the library."""

from tests.serverless_signalr.conftest import certificates, cloud

__all__ = ["certificates", "cloud"]
