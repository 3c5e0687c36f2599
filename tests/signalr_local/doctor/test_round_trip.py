"""The round trip through a deployed app: each step is timed, and the one that fails is named."""

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from tests.signalr_local.doctor.apps import HOST, KEY, NAME, Folder
from tests.signalr_local.doctor.deployment import SERVICE, WEBHOOK, Azure

STEPS = ("negotiate", "service", "connect", "connected", "upstream", "call")


async def test_every_step_of_a_round_trip_is_timed(azure: Azure, capsys: pytest.CaptureFixture[str]) -> None:
    code, printed = await azure.doctor(capsys)
    steps = re.findall(r"\[ok\] (\w+): (?:about )?\d+ ms", printed)
    assert steps == list(STEPS), printed
    assert re.search(rf"\[ok\] upstream rule 1 \({HOST}\): \d+ ms, it accepts the code", printed)
    assert printed.endswith("\nNo problems found.\n")
    assert code == 0
    assert KEY not in printed
    assert "the-key" not in printed


async def test_page_shows_the_steps_as_they_are_printed(
    azure: Azure, capsys: pytest.CaptureFixture[str]
) -> None:
    def general(text: str) -> list[str]:
        names = (HOST, SERVICE, "func-api-x.azurewebsites.net", "sigr-x.service.signalr.net")
        hosts = "|".join(re.escape(name) for name in names)
        lines = re.sub(hosts, "HOST", re.sub(r"\d+ ms", "N ms", text)).splitlines()
        return [line.strip() for line in lines if re.match(rf"  \[ok\] ({'|'.join(STEPS)}):", line)]

    _, printed = await azure.doctor(capsys)
    page = (Path(__file__).parents[3] / "docs" / "doctor.md").read_text(encoding="utf-8")
    assert general(page) == general(printed)


async def test_az_is_only_asked(azure: Azure, capsys: pytest.CaptureFixture[str]) -> None:
    await azure.doctor(capsys, "--subscription", "sub")
    assert all(re.search(r" (list|show) ", call) for call in azure.calls)
    assert all("--subscription sub" in call for call in azure.calls)


async def test_json_has_the_time_of_every_step(azure: Azure, capsys: pytest.CaptureFixture[str]) -> None:
    _, printed = await azure.doctor(capsys, "--output", "json")
    found = json.loads(printed)["findings"]
    trip = {item["rule"]: item["milliseconds"] for item in found if item["section"] == "Round trip"}
    assert list(trip) == [f"round-trip.{step}" for step in STEPS]
    assert all(isinstance(took, float) for took in trip.values())


async def test_the_404_of_flex_consumption_is_told_from_a_function_that_is_missing(
    azure: Azure, capsys: pytest.CaptureFixture[str]
) -> None:
    azure.front.answers[WEBHOOK] = web.Response(status=404)
    _, printed = await azure.doctor(capsys)
    assert "a known fault of Flex Consumption" in printed
    del azure.front.answers[WEBHOOK]
    _, printed = await azure.doctor(capsys, "--call", "nothing")
    assert "Flex Consumption" not in printed
    assert "no function listens to this method" in printed


async def test_an_exception_of_the_app_is_not_blamed_on_azure(
    azure: Azure, capsys: pytest.CaptureFixture[str]
) -> None:
    code, printed = await azure.doctor(capsys, "--call", "fail")
    assert "the way through Azure works; the error is the app's own" in printed
    assert code == 1


async def test_a_method_is_called_with_the_arguments_of_the_command_line(
    azure: Azure, capsys: pytest.CaptureFixture[str]
) -> None:
    code, printed = await azure.doctor(capsys, "--call", "echo", "--arguments", '["hello"]')
    assert code == 0, printed


async def test_without_echo_the_call_is_skipped(azure: Azure, capsys: pytest.CaptureFixture[str]) -> None:
    del azure.described.functions[1]
    _, printed = await azure.doctor(capsys)
    assert "[skipped] call: not checked\n          Fix: --call METHOD" in printed


async def test_headers_go_with_negotiate(azure: Azure, capsys: pytest.CaptureFixture[str]) -> None:
    await azure.doctor(capsys, "--header", "X-Mine: 1")
    assert [item.headers.get("X-Mine") for item in azure.front.seen if item.path == "/api/negotiate"] == ["1"]


async def test_the_round_trip_can_be_left_out(azure: Azure, capsys: pytest.CaptureFixture[str]) -> None:
    code, printed = await azure.doctor(capsys, "--no-round-trip")
    assert [item for item in azure.front.seen if item.path == "/api/negotiate"] == []
    assert "Round trip" not in printed
    assert code == 0


async def test_a_machine_that_network_rules_keep_out_is_no_fault_of_the_app(
    azure: Azure, capsys: pytest.CaptureFixture[str]
) -> None:
    azure.cloud.down.add(SERVICE)
    _, printed = await azure.doctor(capsys, "--no-round-trip")
    assert f"[warning] {NAME}: as you, not as the app: https://{SERVICE}" in printed


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--call", "echo", "--arguments", "x"), "--arguments is not a JSON array: x"),
        (("--header", "x"), "--header takes 'NAME: VALUE'"),
        (("--settings", "x.json"), "--azure asks az itself"),
    ],
)
async def test_a_wrong_option_is_exit_code_2(
    azure: Azure, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], told: str
) -> None:
    code, printed = await azure.doctor(capsys, *options)
    assert code == 2
    assert told in printed


ENDS = {
    "refused": (
        '{"error":"No server is connected."}\x1e',
        "the service refused the connection: No server is connected.",
    ),
    "hung up": ("", "the service closed the connection"),
    "closed": ('{}\x1e{"type":7,"error":"Bye."}\x1e', "the service closed the connection: Bye."),
}


def connected(printed: str) -> dict[str, str]:
    """Return the last finding about the connection."""
    found: list[dict[str, str]] = [
        item for item in json.loads(printed)["findings"] if item["rule"] == "round-trip.connected"
    ]
    return found[-1]


@pytest.mark.parametrize(("frame", "seen"), ENDS.values(), ids=ENDS)
async def test_a_service_that_ends_the_connection_is_named(
    azure: Azure, capsys: pytest.CaptureFixture[str], frame: str, seen: str
) -> None:
    azure.replace_service(frame=frame)
    code, printed = await azure.doctor(capsys, "--output", "json")
    assert connected(printed)["seen"] == seen
    assert connected(printed)["fix"].startswith("check that the service is in Serverless mode")
    assert code == 1


async def test_what_the_service_said_last_counts_even_if_the_call_comes_too_late(
    azure: Azure, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    send = aiohttp.ClientWebSocketResponse.send_str

    async def send_too_late(socket: aiohttp.ClientWebSocketResponse, text: str) -> None:
        if '"target"' in text:
            raise aiohttp.ClientConnectionResetError("Cannot write to closing transport")
        await send(socket, text)

    monkeypatch.setattr(aiohttp.ClientWebSocketResponse, "send_str", send_too_late)
    azure.replace_service(frame=ENDS["closed"][0])
    _, printed = await azure.doctor(capsys, "--output", "json")
    assert connected(printed)["seen"] == "the service closed the connection: Bye."


async def test_a_service_that_never_answers_the_handshake_is_given_up(
    azure: Azure, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("signalr_local.doctor.round_trip._HANDSHAKE_PATIENCE", 0.2)
    azure.replace_service(is_silent=True)
    _, printed = await azure.doctor(capsys, "--output", "json")
    assert connected(printed)["seen"].startswith("the service did not answer the handshake within")


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace('return json.loads(invocation)["Arguments"][0]', 'return "something else"'),
        lambda text: text.replace(
            'return json.loads(invocation)["Arguments"][0]', 'raise RuntimeError("takes two arguments")'
        ),
    ],
    ids=["another answer", "an error of its own"],
)
async def test_an_echo_of_another_kind_is_no_fault(
    azure: Azure, capsys: pytest.CaptureFixture[str], folder: Folder, change: Callable[[str], str]
) -> None:
    app = folder.path / "function_app.py"
    app.write_text(change(app.read_text()))
    async with asyncio.timeout(60):
        await azure.host.reloaded()
    code, printed = await azure.doctor(capsys)
    assert re.search(r"\[ok\] call: \d+ ms", printed), printed
    assert code == 0


async def test_an_echo_of_another_hub_is_not_called(azure: Azure, capsys: pytest.CaptureFixture[str]) -> None:
    azure.described.functions[1]["config"]["bindings"][0]["hubName"] = "other"
    _, printed = await azure.doctor(capsys, "--output", "json")
    found = {item["rule"]: item["state"] for item in json.loads(printed)["findings"]}
    assert found["round-trip.call"] == "skipped"
