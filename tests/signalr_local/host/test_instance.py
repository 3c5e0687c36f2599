"""One loading of an app: what is said of it."""

from typing import Any

import pytest

from tests.signalr_local.host.conftest import StartHost

pytestmark = pytest.mark.asyncio(loop_scope="module")

APP = """
import azure.functions as func
app = func.FunctionApp()

@app.generic_trigger("invocation", type="signalRTrigger", hub_name="chat", category="messages", event="e")
def on_call(invocation) -> None:
    pass

@app.route(route="a")
def a(req: func.HttpRequest) -> str:
    return "a"
"""

IN_ERROR = "SignalR triggers run here, but are in error in Azure and with func start"


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({}, True),
        ({"AzureWebJobsStorage": ""}, True),
        ({"AzureWebJobsStorage": "UseDevelopmentStorage=true"}, False),
        ({"AzureWebJobsStorage__blobServiceUri": "https://a.blob.core.windows.net"}, False),
        ({"AzureWebJobsSecretStorageType": "Files"}, False),
    ],
)
async def test_triggers_that_azure_has_in_error_are_told(
    start_host: StartHost, signalr_settings: Any, log: Any, settings: dict[str, str], told: bool
) -> None:
    await start_host(APP, settings={**signalr_settings, **settings})
    assert (IN_ERROR in log.text) == told


async def test_functions_that_are_left_out_are_told(
    start_host: StartHost, signalr_settings: Any, log: Any
) -> None:
    app = await start_host(APP, settings=signalr_settings, host_json={"functions": ["A"]})
    assert "excluding all but the following functions: [a]" in log.text
    assert (await app.get("/admin/functions/on_call")).status == 200


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            '@app.route(route="/lead")\ndef b(req: func.HttpRequest) -> str:\n    return "b"',
            "The route of b (/lead)",
        ),
        (
            '@app.route(route="x")\ndef A(req: func.HttpRequest) -> str:\n    return "b"',
            "differ in case only",
        ),
    ],
)
async def test_an_app_that_azure_does_not_start_does_not_start(
    start_host: StartHost, signalr_settings: Any, source: str, message: str
) -> None:
    with pytest.raises(Exception, match="In Azure the whole app does not start") as raised:
        await start_host(f"{APP}\n{source}\n", settings=signalr_settings)
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("category", "setting", "told"),
    [
        ("Function", "", True),
        ("Function.a.User", "0", True),
        ("Function", "1", False),
        ("Host", "", False),
    ],
)
async def test_debug_that_the_worker_does_not_send_is_told(
    start_host: StartHost, signalr_settings: Any, log: Any, category: str, setting: str, told: bool
) -> None:
    settings = {**signalr_settings, "PYTHON_ENABLE_DEBUG_LOGGING": setting}
    await start_host(APP, settings=settings, host_json={"logging": {"logLevel": {category: "Debug"}}})
    assert ("only where the setting PYTHON_ENABLE_DEBUG_LOGGING is 1, as in Azure" in log.text) == told
