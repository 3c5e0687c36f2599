"""docs/troubleshooting.md: each symptom, provoked, is told in the words that the page quotes."""

import re
import shutil
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from serverless_signalr import service_connection
from serverless_signalr.endpoint import Endpoint
from tests.docs.pages import ROOT, Page

PAGE = Page("docs/troubleshooting.md")
QUOTES: Mapping[str, str] = {
    block.heading: block.text.strip() for block in PAGE.blocks if block.language == "text"
}

APP = """
import azure.functions as func

from serverless_signalr import FunctionApp, ServerlessHub, SignalRConnectionInfo, SignalROutput

app = FunctionApp(hub="chat")


class News(ServerlessHub): ...


news = News()
news.add_negotiate("news/negotiate", user=lambda req: None)
app.register_functions(news)


@app.route("negotiate", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@app.signalr_connection_info_input(user_id="{query.user}")
def negotiate(req: func.HttpRequest, info: SignalRConnectionInfo) -> func.HttpResponse:
    return info.to_response()


@app.signalr_trigger()
@app.signalr_output()
def say(outbox: SignalROutput, text: str) -> None:
    if text == "boom":
        raise KeyError(text)
    outbox.send("newMessage", text, group_name="nobody")


@app.queue_trigger("message", queue_name="orders", connection="AzureWebJobsStorage")
def order(message: func.QueueMessage) -> None: ...
"""

in_one_loop = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(start_app: Any) -> Any:
    """Return the app, which runs."""
    return await start_app({"function_app.py": APP})


def test_every_quote_is_provoked_here() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    assert [heading for heading in QUOTES if f'QUOTES["{heading}"]' not in source.replace("\\", "")] == []


def test_missing_python_is_told(tmp_path: Path) -> None:
    for name in ("dirname", "cat"):
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    done = subprocess.run(
        [str(ROOT / "scripts" / "find-python")],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert QUOTES["Something is missing"] in done.stderr


def test_used_port_is_told(launch: Any, app_folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        runtime = launch("--app", str(app_folder), "--port", str(port), "--emulator-port", "0")
        assert runtime.wait() == 1
    assert QUOTES["The port is in use"].replace("7071", str(port)) in runtime.text


def test_missing_app_is_told(launch: Any, tmp_path: Path) -> None:
    runtime = launch("--app", str(tmp_path), "--port", "0", "--emulator-port", "0")
    assert runtime.wait() == 1
    assert QUOTES["There is no function_app.py"] in runtime.text


def test_missing_module_is_told_with_the_command(launch: Any, tmp_path: Path) -> None:
    (tmp_path / "function_app.py").write_text("import markdown_of_nobody\n", encoding="utf-8")
    (tmp_path / "requirements.txt").write_text("markdown-of-nobody\n", encoding="utf-8")
    runtime = launch("--app", str(tmp_path), "--port", "0", "--emulator-port", "0")
    assert runtime.wait() == 1
    assert QUOTES["A module is not found"].replace("markdown_it", "markdown_of_nobody") in runtime.text
    assert "pip install" in runtime.text


@in_one_loop
async def test_binding_that_does_not_run_here_is_told(app: Any) -> None:
    assert app.instance.table.errors["order"] == QUOTES["A function is in error"]


@in_one_loop
async def test_user_that_is_missing_is_told(app: Any) -> None:
    status, text = await app.request("POST", "negotiate")
    assert status == 500
    assert QUOTES["Negotiate answers 500"] in text


@in_one_loop
async def test_address_that_no_function_takes_is_told(app: Any, log: Any) -> None:
    status, _ = await app.request("POST", "negotiat")
    assert status == 404
    assert QUOTES["Negotiate answers 404"] in log.text


@in_one_loop
async def test_anonymous_user_is_refused(app: Any) -> None:
    status, _ = await app.request("POST", "news/negotiate")
    assert status == 401


@in_one_loop
async def test_origin_that_is_not_allowed_is_told(app: Any, log: Any) -> None:
    await app.request("POST", "negotiate?user=ann", headers={"Origin": "http://localhost:9999"})
    assert QUOTES["The browser speaks of CORS"] in log.text


@in_one_loop
async def test_event_without_a_function_is_told(app: Any, log: Any) -> None:
    ann = await app.connect("user=ann")
    [heading] = [one for one in QUOTES if one.startswith("`Invocation failed")]
    assert heading.strip("`") in await ann.refusal("sayy")
    assert QUOTES["`Invocation failed, status code 404`"] in log.text


@in_one_loop
async def test_exception_and_wrong_call_are_told(app: Any) -> None:
    ann = await app.connect("user=ann")
    assert await ann.refusal("say", "boom") == "say failed on the server."
    assert (await ann.refusal("say")).endswith("was called with 0 arguments.")


@in_one_loop
async def test_message_to_nobody_is_told(app: Any, log: Any) -> None:
    ann = await app.connect("user=ann")
    await ann.invoke("say", "hello")
    assert QUOTES["A message arrives nowhere"] in log.text


def test_port_in_the_endpoint_means_the_same() -> None:
    block = QUOTES["A program ignores `Port=` in the connection string"]
    separate = block.replace(":8888;", ";Port=8888;", 1)
    assert Endpoint.parse(block).url == Endpoint.parse(separate).url == "http://localhost:8888"


@in_one_loop
async def test_client_is_sent_past_the_proxy_of_a_dev_server(app: Any) -> None:
    url, _ = await app.negotiate("user=ann", {"Host": "localhost:5173"})
    assert url.port == app.runtime.emulator.port


@in_one_loop
async def test_client_endpoint_sends_clients_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = (
        "Endpoint=http://localhost:8888;ClientEndpoint=https://tunnel.example;AccessKey="
        + "x" * 44
        + ";Version=1.0;"
    )
    monkeypatch.setenv("AzureSignalRConnectionString", text)
    endpoint = await service_connection().client_endpoint()
    assert endpoint.client_hub_url("chat") == "https://tunnel.example/client/?hub=chat"


def test_settings_of_the_example_allow_the_ports_of_dev_servers() -> None:
    example = (ROOT / "local.settings.json.example").read_text(encoding="utf-8")
    assert re.findall(r"http://localhost:(\d+)", re.findall(r'"CORS": "(.*)"', example)[0]) == [
        "3000",
        "5173",
    ]
    assert "The example settings allow the ports 3000 and 5173." in PAGE.text
