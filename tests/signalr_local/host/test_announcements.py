"""What is said of an app that is loaded again: which functions came and went."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

pytestmark = pytest.mark.asyncio(loop_scope="module")

type StartHost = Callable[..., Awaitable[Any]]

HEAD = "import azure.functions as func\n\napp = func.FunctionApp()\n"


def function(name: str, options: str = "") -> str:
    return f"\n@app.route({options})\ndef {name}(req: func.HttpRequest) -> str:\n    return ''\n"


async def lines_of_reload(log: Any) -> list[str]:
    record = await log.wait_for("The app is loaded again")
    first, *others = record.getMessage().splitlines()
    assert first.startswith("The app is loaded again: ")
    return list(others)


async def test_functions_that_come_and_go_are_named(start_host: StartHost, log: Any) -> None:
    app = await start_host(HEAD + function("broadcast") + function("echo"))
    app.write(
        "function_app.py", HEAD + function("echo") + function("notify_user", "route='n', methods=['POST']")
    )
    assert await lines_of_reload(log) == [
        f"  + notify_user: [POST] http://localhost:{app.host.port}/api/n",
        "  - broadcast",
    ]


async def test_a_function_that_moves_is_named(start_host: StartHost, log: Any) -> None:
    app = await start_host(HEAD + function("echo"))
    app.write("function_app.py", HEAD + function("echo", "route='other'"))
    assert await lines_of_reload(log) == [f"  ~ echo: http://localhost:{app.host.port}/api/other"]


async def test_the_last_good_app_is_what_a_mended_one_is_compared_with(
    start_host: StartHost, log: Any
) -> None:
    app = await start_host(HEAD + function("echo"))
    app.write("function_app.py", "raise ValueError")
    await log.wait_for("requests get 503 until then")
    app.write("function_app.py", HEAD + function("echo") + function("more"))
    assert await lines_of_reload(log) == [f"  + more: http://localhost:{app.host.port}/api/more"]


async def test_an_error_that_functions_share_is_told_once_for_all(start_host: StartHost, log: Any) -> None:
    event = """
@app.generic_trigger("invocation", type="signalRTrigger", hub_name="chat", category="messages", event="{0}")
def {0}(invocation): ...
"""
    await start_host(HEAD + event.format("one") + event.format("two"), settings={})
    log.find("2 functions are in error, one, two: the app setting AzureSignalRConnectionString is not set")


async def test_a_trigger_of_azure_only_is_no_error(start_host: StartHost, log: Any) -> None:
    queue = """
@app.queue_trigger(arg_name="item", queue_name="q", connection="x")
def {0}(item): ...
"""
    await start_host(HEAD + queue.format("one") + queue.format("two"))
    record = log.find("^2 functions are left alone, one, two: The binding type queueTrigger does not run")
    assert record.levelname == "WARNING"


async def test_an_error_of_a_function_is_told_once(start_host: StartHost, log: Any) -> None:
    wrong = HEAD + function("host")
    app = await start_host(wrong)
    log.find("The 'host' function is in error")
    app.write("function_app.py", wrong + function("echo"))
    await lines_of_reload(log)
    log.find("The 'host' function is in error")
