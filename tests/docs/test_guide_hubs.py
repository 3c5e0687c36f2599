"""The guide's sections about hubs, users and events over HTTP do what they say."""

import asyncio
import os
import sys
from datetime import timedelta
from pathlib import Path

import azure.functions as func
import jwt
import mypy.api
import pytest

from serverless_signalr.principal import Principal, insecure_user_id
from serverless_signalr.protocol import messagepack_protocol
from serverless_signalr.protocol.messages import Completion, Invocation
from serverless_signalr.protocol.upstream import UpstreamEvent
from signalr_local.emulator import DEFAULT_ACCESS_KEY
from signalr_local.host.worker import FunctionFailedError
from tests.docs.test_guide import (
    ANYWHERE,
    GROUPS,
    HUB,
    ROOT,
    RULES,
    SOUP,
    TIMER,
    UPSTREAM,
    USERS,
    Guide,
    Log,
    Open,
    Start,
    changed,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


WRONG_CALL = """from hubs import kitchen


async def order() -> None:
    await kitchen.clients.all.new_order("four")
"""


EASY_AUTH = {
    "x-ms-client-principal-id": "ada",
    "x-ms-client-principal": (
        # {"auth_typ": "aad", "claims": [{"typ": "roles", "val": "chef"}], "role_typ": "roles"}
        "eyJhdXRoX3R5cCI6ICJhYWQiLCAiY2xhaW1zIjogW3sidHlwIjogInJvbGVzIiwgInZhbCI6ICJjaGVmIn1dLCAicm9sZV90eXAi"
        "OiAicm9sZXMifQ=="
    ),
}


AZURE = {"WEBSITE_INSTANCE_ID": "1"}


# 6. A class is a hub.


async def test_methods_of_the_class_are_events(open_section: Open) -> None:
    app = await open_section(HUB)
    cook, waiter = await app.connect(), await app.connect()
    assert await cook.next() == ("notice", ["Welcome."])
    await cook.invoke("joinStation", "stove")
    assert await cook.next() == ("notice", ["You are at the stove."])
    assert await waiter.invoke("placeOrder", 4, [{"name": "soup"}, {"name": "steak"}]) is True
    assert await cook.next() == ("cook", [4, SOUP])
    assert await cook.next() == ("newOrder", [4, [SOUP, {"name": "steak", "count": 1}]])


async def test_methods_of_the_class_follow_the_rules_of_functions(open_section: Open) -> None:
    waiter = await (await open_section(HUB)).connect()
    assert await waiter.refusal("placeOrder", 4, [{"name": "pizza"}]) == "pizza is not on the menu."
    assert await waiter.refusal("joinStation", "bar") == (
        "joinStation(station: Station) was called with a wrong station: invalid enum value 'bar'."
    )


async def test_functions_have_the_names_of_hub_and_method(open_section: Open) -> None:
    app = await open_section(HUB)
    assert {name for name in app.functions if name.startswith("kitchen_")} == {
        "kitchen_connected",
        "kitchen_join_station",
        "kitchen_negotiate",
        "kitchen_place_order",
    }


async def test_wrong_call_of_a_client_is_an_error_before_anything_runs(guide: Guide, tmp_path: Path) -> None:
    for name, text in guide.sections[ANYWHERE].files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "wrong.py").write_text(WRONG_CALL)
    options = ["--config-file", str(ROOT / "pyproject.toml"), "--cache-dir", str(tmp_path / "cache")]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        patch.setenv("MYPYPATH", str(ROOT))
        report, _, _ = mypy.api.run([*options, "--follow-imports", "silent", "."])
    errors = [line for line in report.splitlines() if ": error: " in line]
    assert errors
    assert all(line.startswith("wrong.py:5: ") for line in errors), report


# 7. Who a user is.


async def test_anybody_may_be_anybody_on_a_developers_machine(open_section: Open) -> None:
    app = await open_section(USERS)
    _, token = await app.negotiate("user=ada&role=waiter,chef")
    claims = jwt.decode(token, options={"verify_signature": False})
    assert (claims["asrs.s.uid"], claims["role"]) == ("ada", ["waiter", "chef"])


async def test_verified_identity_comes_before_what_the_query_says(open_section: Open) -> None:
    app = await open_section(USERS)
    _, token = await app.negotiate("user=eve&role=waiter", EASY_AUTH)
    claims = jwt.decode(token, options={"verify_signature": False})
    assert (claims["asrs.s.uid"], claims["role"]) == ("ada", ["chef"])


async def test_connection_ends_with_its_token(open_section: Open) -> None:
    app = await open_section(USERS)
    _, token = await app.negotiate("user=ada")
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == timedelta(hours=8).total_seconds()
    assert claims["asrs.s.coae"] == "true"
    assert abs(int(claims["asrs.s.aeo"]) - claims["exp"]) <= 1


async def test_unverified_identity_is_refused_in_azure() -> None:
    with pytest.raises(PermissionError):
        Principal.from_request(func.HttpRequest("POST", "/", headers=EASY_AUTH, body=b""), AZURE)
    with pytest.raises(PermissionError):
        insecure_user_id(func.HttpRequest("POST", "/", params={"user": "ada"}, body=b""), settings=AZURE)


async def test_claim_that_could_pose_as_another_is_refused(guide: Guide, start_app: Start) -> None:
    line = "kitchen = Kitchen()"
    user = 'SignalRUser("ada", {"name": "x, role: chef"})'
    files = changed(
        guide.sections[USERS], line, f"from serverless_signalr import SignalRUser\n{line}", "hubs.py"
    )
    files["hubs.py"] = files["hubs.py"].replace("negotiate(", f"negotiate(user=lambda req: {user}, ")
    status, _ = await (await start_app(files)).request("POST", "negotiate")
    assert status == 500


async def test_nobody_is_let_in_without_an_identity(open_section: Open) -> None:
    status, text = await (await open_section(USERS)).request("POST", "negotiate")
    assert (status, text) == (401, "Sign in first.")


# 8. Groups and users in groups.


async def test_member_of_a_group_leaves_it(open_section: Open) -> None:
    app = await open_section(GROUPS)
    cook = await app.connect("user=cook")
    await cook.invoke("joinStation", "grill")
    await cook.invoke("placeOrder", 4, [{"name": "steak"}])
    assert [(await cook.next())[0] for _ in range(2)] == ["cook", "newOrder"]
    await cook.invoke("leaveStation", "grill")
    await cook.invoke("placeOrder", 5, [{"name": "steak"}])
    assert await cook.next() == ("newOrder", [5, [{"name": "steak", "count": 1}]])


async def test_user_is_in_a_group_with_later_connections_too(open_section: Open) -> None:
    app = await open_section(GROUPS)
    phone = await app.connect("user=ben")
    await phone.invoke("startShift")
    tablet, other = await app.connect("user=ben"), await app.connect("user=eve")
    await other.invoke("tableReady", 7)
    assert await phone.next() == ("ready", [7])
    assert await tablet.next() == ("ready", [7])
    await other.invoke("placeOrder", 8, [])
    assert (await other.next())[0] == "newOrder"


async def test_hub_knows_whom_it_put_into_a_group(open_section: Open) -> None:
    phone = await (await open_section(GROUPS)).connect("user=joy")
    assert await phone.invoke("isOnShift", "joy") is False
    await phone.invoke("startShift", 1)
    assert await phone.invoke("isOnShift", "joy") is True
    await phone.invoke("endShift")
    assert await phone.invoke("isOnShift", "joy") is False


# 9. Who may do what, and filters.


async def test_role_of_the_token_decides(guide: Guide, open_section: Open) -> None:
    app = await open_section(RULES)
    waiter, chef = await app.connect("user=ada&role=waiter"), await app.connect("user=bob&role=chef")
    assert [await waiter.refusal("closeKitchen")] == guide.sections[RULES].quotes
    await chef.invoke("closeKitchen")
    assert await waiter.next() == ("notice", ["The kitchen is closed."])


async def test_one_role_of_several_is_enough(open_section: Open) -> None:
    app = await open_section(RULES)
    chef, waiter = await app.connect("user=bob&role=chef"), await app.connect("user=bob&role=waiter")
    assert await chef.invoke("joinStation", "grill") is None
    assert await waiter.refusal("joinStation", "grill") == (
        "joinStation is not allowed: it requires the role chef or cook."
    )


async def test_connection_stays_where_connected_is_refused(guide: Guide, start_app: Start) -> None:
    line = '    @requires(role="chef")\n'
    refusing = f"{line}    async def connected(self) -> None: ...\n\n{line}"
    app = await start_app(changed(guide.sections[RULES], line, refusing, "kitchen.py"))
    waiter = await app.connect("user=bob&role=waiter")
    assert await waiter.invoke("placeOrder", 4, []) is True


async def test_filter_sees_each_call_and_refuses(open_section: Open, log: Log) -> None:
    app = await open_section(RULES)
    guest = await app.connect("user=carla")
    assert await guest.refusal("closeKitchen", 1, 2, 3, 4, 5, 6) == (
        "Nobody here takes more than five arguments."
    )
    assert "closeKitchen by carla: " in log.text


# 10. Sending from anywhere.


async def test_http_function_looks_and_sends(open_section: Open) -> None:
    app = await open_section(ANYWHERE)
    assert await app.request("POST", "tables/4/ready") == (409, "Nobody is on shift.")
    waiter = await app.connect("user=ada&role=waiter")
    await waiter.invoke("startShift")
    assert await app.request("POST", "tables/4/ready") == (202, "")
    assert await waiter.next() == ("ready", [4])


@pytest.mark.parametrize(
    ("function", "trigger", "message"),
    [
        ("last_orders", TIMER, ("notice", ["Last orders."])),
        (
            "online_order",
            {"type": "string", "value": '{"table": 0, "dishes": ["soup"]}'},
            ("newOrder", [0, [SOUP]]),
        ),
    ],
    ids=["sync timer", "queue"],
)
async def test_function_without_an_event_sends(
    open_section: Open, function: str, trigger: dict[str, str], message: object
) -> None:
    app = await open_section(ANYWHERE)
    screen = await app.connect("user=screen")
    await app.run(function, trigger)
    assert await screen.next() == message


async def test_run_sync_is_refused_in_an_async_function(guide: Guide, start_app: Start) -> None:
    files = changed(guide.sections[ANYWHERE], "def last_orders", "async def last_orders", name="sending.py")
    app = await start_app(files)
    with pytest.raises(FunctionFailedError, match="RuntimeError: run_sync would block the event loop"):
        await app.run("last_orders", TIMER)


async def test_local_runtime_says_what_it_cannot_run(open_section: Open) -> None:
    app = await open_section(ANYWHERE)
    assert set(app.instance.table.errors) == {"online_order"}


async def test_script_sends_without_a_hub_class(open_section: Open) -> None:
    app = await open_section(ANYWHERE)
    screen = await app.connect("user=screen")
    connection = {"AzureSignalRConnectionString": app.runtime.emulator.connection_string}
    script = await asyncio.create_subprocess_exec(
        sys.executable,
        str(app.runtime.host.app / "shout.py"),
        "Staff meeting at five.",
        env={**os.environ, **connection},
    )
    assert await script.wait() == 0
    assert await screen.next() == ("notice", ["Staff meeting at five."])


# 11. Events over HTTP.


async def test_events_over_http_have_one_function(open_section: Open) -> None:
    app = await open_section(UPSTREAM)
    assert sorted(app.functions) == [
        "kitchen_negotiate",
        "kitchen_upstream",
        "last_orders",
        "online_order",
        "ready",
    ]


async def test_events_over_http_are_answered_as_before(guide: Guide, open_section: Open) -> None:
    app = await open_section(UPSTREAM)
    waiter, chef = await app.connect("user=bob&role=waiter"), await app.connect("user=bob&role=chef")
    assert [await waiter.refusal("closeKitchen")] == guide.sections[RULES].quotes
    assert await waiter.refusal("placeOrder", 4) == (
        "placeOrder(table: integer, dishes: list) was called with 1 argument."
    )
    await chef.invoke("joinStation", "stove")
    assert await waiter.invoke("placeOrder", 4, [{"name": "soup"}]) is True
    assert await chef.next() == ("cook", [4, SOUP])


async def test_client_that_speaks_messagepack_is_answered(open_section: Open) -> None:
    app = await open_section(UPSTREAM)
    screen = await app.connect("user=screen")
    event = UpstreamEvent("kitchen", "messages", "placeOrder", "1", claims={"role": ("waiter",)})
    order = Invocation("placeOrder", [4, [{"name": "soup"}]], invocation_id="7")
    async with app.session.post(
        f"{app.api}/upstream",
        headers={**event.headers([DEFAULT_ACCESS_KEY]), "Content-Type": "application/x-msgpack"},
        # What the service sends has no length in front.
        data=messagepack_protocol.FrameSplitter().feed(messagepack_protocol.encode(order))[0],
    ) as response:
        (answer,) = messagepack_protocol.FrameSplitter().feed(await response.read())
    assert messagepack_protocol.parse(answer) == Completion("7", True)
    assert await screen.next() == ("newOrder", [4, [SOUP]])


async def test_event_without_a_signature_is_refused(open_section: Open) -> None:
    app = await open_section(UPSTREAM)
    headers = {
        "X-ASRS-Hub": "kitchen",
        "X-ASRS-Category": "messages",
        "X-ASRS-Event": "closeKitchen",
        "X-ASRS-Connection-Id": "1",
        "X-ASRS-User-Claims": "role: chef",
        "Content-Type": "application/json",
    }
    body = b'{"type":1,"target":"closeKitchen","arguments":[]}'
    assert await app.request("POST", "upstream", headers=headers, data=body) == (401, "")
