"""The function app, and the service in memory for one test."""

from collections.abc import Iterator

import pytest
from azure.functions.decorators.function_app import Function

import function_app
from serverless_signalr import FunctionApp
from serverless_signalr.testing import FakeService

type Functions = dict[str, Function]


@pytest.fixture(scope="session")
def app() -> FunctionApp:
    """Return the app."""
    return function_app.app


@pytest.fixture(scope="session")
def functions() -> Functions:
    """Return the app's functions by name, as Azure indexes them, which it does once."""
    return {function.get_function_name() or "": function for function in function_app.app.get_functions()}


@pytest.fixture
def service() -> Iterator[FakeService]:
    """Stand in for the service, with nobody connected."""
    with FakeService() as service:
        yield service
