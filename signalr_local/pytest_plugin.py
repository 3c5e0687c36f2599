"""Fixtures for pytest: ``signalr_app``, the app under test, and ``signalr_env``, the app with its service.

pytest finds them where the package is installed; nothing is imported until a test uses one.
"""

import importlib
import inspect
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from signalr_local.testing import SignalRTest

_asyncio_fixture: Any
try:
    from pytest_asyncio import fixture as _asyncio_fixture
except ImportError:  # anyio alone, or tests that are not async
    _asyncio_fixture = None

_INI = "signalr_app"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the setting that names the app."""
    parser.addini(
        _INI, "the app of the fixture signalr_app: module:name, or the folder of an app", default=""
    )


@pytest.fixture
def signalr_app(request: pytest.FixtureRequest) -> Any:
    """Return the app that the setting ``signalr_app`` of pytest names; override it to choose another."""
    named = str(request.config.getini(_INI))
    if not named:
        raise pytest.UsageError(
            'which app? Set signalr_app = "function_app:app" in pytest\'s settings, or define a fixture '
            "signalr_app that returns the app, a hub, or the folder of an app"
        )
    module, colon, name = named.partition(":")
    if colon:
        return getattr(importlib.import_module(module), name)
    return Path(request.config.rootpath, named)


@pytest.fixture
def signalr_options() -> dict[str, Any]:
    """Return the options of the environment, those of SignalRTest; override it to change them."""
    return {}


@pytest.fixture
def signalr_env(request: pytest.FixtureRequest, signalr_app: Any, signalr_options: dict[str, Any]) -> Any:  # noqa: ARG001
    """Return a SignalRTest for ``signalr_app`` on the loop of the test, a blocking one where it has none.

    With pytest-asyncio, anyio on asyncio, or neither.
    """
    if not _is_async(request):
        return request.getfixturevalue("_signalr_env_that_blocks")
    if "anyio_backend" in request.fixturenames:
        if (backend := request.getfixturevalue("anyio_backend_name")) != "asyncio":
            raise pytest.UsageError(
                f"signalr_env runs on asyncio, and this test on {backend}: define a fixture anyio_backend "
                'that returns "asyncio"'
            )
        return request.getfixturevalue("_signalr_env_of_anyio")
    if _asyncio_fixture is None:
        raise pytest.UsageError(
            "signalr_env in a test that is async needs pytest-asyncio, or anyio and its marker: "
            "pip install pytest-asyncio"
        )
    return request.getfixturevalue("_signalr_env_of_asyncio")


def _is_async(request: pytest.FixtureRequest) -> bool:
    function = getattr(request.node, "obj", None)
    # Hypothesis puts a function that is not async around one that is.
    tested = getattr(getattr(function, "hypothesis", None), "inner_test", function)
    return inspect.iscoroutinefunction(tested)


async def _open(signalr_app: Any, signalr_options: dict[str, Any]) -> "AsyncIterator[SignalRTest]":
    from signalr_local.testing import SignalRTest

    async with SignalRTest(signalr_app, **signalr_options) as environment:
        yield environment


if _asyncio_fixture is not None:
    _signalr_env_of_asyncio = _asyncio_fixture(_open)


@pytest.fixture
async def _signalr_env_of_anyio(
    anyio_backend: Any,  # noqa: ARG001 - by this anyio knows that it is to run the fixture
    signalr_app: Any,
    signalr_options: dict[str, Any],
) -> "AsyncIterator[SignalRTest]":
    from signalr_local.testing import SignalRTest

    async with SignalRTest(signalr_app, **signalr_options) as environment:
        yield environment


@pytest.fixture
def _signalr_env_that_blocks(signalr_app: Any, signalr_options: dict[str, Any]) -> Iterator[Any]:
    from signalr_local.testing import BlockingSignalRTest

    with BlockingSignalRTest(signalr_app, **signalr_options) as environment:
        yield environment
