"""The guide does what it says: each section's app runs, and real calls are answered as the text claims."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

import azure.functions as func
import jwt
import mypy.api
import pytest

from serverless_signalr import SignalROutput
from serverless_signalr.principal import Principal, insecure_user_id
from serverless_signalr.protocol import messagepack_protocol
from serverless_signalr.protocol.messages import Completion, Invocation
from serverless_signalr.protocol.upstream import UpstreamEvent
from signalr_local.emulator import DEFAULT_ACCESS_KEY
from signalr_local.host.worker import AppError, FunctionFailedError

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.asyncio(loop_scope="module")

GENERIC, TYPED, ARGUMENTS, ERRORS, OUTBOX, HUB, USERS, GROUPS, RULES, ANYWHERE, UPSTREAM, TESTS = range(1, 13)
"""The sections."""

TIMER = {"type": "json", "value": '{"IsPastDue": false, "Schedule": {}, "ScheduleStatus": {}}'}

EASY_AUTH = {
    "x-ms-client-principal-id": "ada",
    "x-ms-client-principal": (
        # {"auth_typ": "aad", "claims": [{"typ": "roles", "val": "chef"}], "role_typ": "roles"}
        "eyJhdXRoX3R5cCI6ICJhYWQiLCAiY2xhaW1zIjogW3sidHlwIjogInJvbGVzIiwgInZhbCI6ICJjaGVmIn1dLCAicm9sZV90eXAi"
        "OiAicm9sZXMifQ=="
    ),
}

AZURE = {"WEBSITE_INSTANCE_ID": "1"}

WRONG_CALL = """from hubs import kitchen


async def order() -> None:
    await kitchen.clients.all.new_order("four")
"""

SOUP = {"name": "soup", "count": 1}


class Section(Protocol):
    files: Mapping[str, str]
    quotes: list[str]


class Guide(Protocol):
    sections: Mapping[int, Section]


class Log(Protocol):
    text: str


type Open = Callable[[int], Awaitable[Any]]
type Start = Callable[[Mapping[str, str]], Awaitable[Any]]


def changed(section: Section, old: str, new: str, name: str = "function_app.py") -> dict[str, str]:
    """Return the files of a section with a change in one of them."""
    text = section.files[name]
    assert old in text
    return {**section.files, name: text.replace(old, new)}


def twice(section: Section, line: str) -> dict[str, str]:
    """Return the files of a section with one line of its app doubled."""
    return changed(section, line, f"{line}\n{line}")


# What every section is held to.


@pytest.mark.parametrize("number", range(1, 12))
async def test_every_function_of_a_section_can_run(open_section: Open, number: int) -> None:
    app = await open_section(number)
    errors = app.instance.table.errors
    assert all("does not run in the local runtime" in text for text in errors.values()), errors
    assert app.instance.table.functions


async def test_no_section_is_left_out(guide: Guide) -> None:
    assert list(guide.sections) == list(range(1, 13))


async def test_code_has_the_style_of_the_repository(guide: Guide, tmp_path: Path) -> None:
    for number, section in guide.sections.items():
        folder = tmp_path / f"section{number}"
        folder.mkdir()
        for name, text in section.files.items():
            (folder / name).write_text(text, encoding="utf-8")
    for command in (["check", "--extend-ignore", "ARG001,S101", "--no-cache"], ["format", "--diff"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--config", str(ROOT / "pyproject.toml")]
        process = await asyncio.create_subprocess_exec(*ruff, str(tmp_path), stdout=subprocess.PIPE)
        found, _ = await process.communicate()
        assert process.returncode == 0, found.decode()


# 1. Generic decorators.


async def test_generic_bindings_send_an_order_to_everybody(open_section: Open) -> None:
    app = await open_section(GENERIC)
    waiter, screen = await app.connect(), await app.connect()
    await waiter.invoke("placeOrder", 4, ["soup", "bread"])
    assert await screen.next() == ("newOrder", [{"table": 4, "dishes": ["soup", "bread"]}])
    assert await waiter.next() == ("newOrder", [{"table": 4, "dishes": ["soup", "bread"]}])


async def test_generic_bindings_send_from_a_timer(open_section: Open) -> None:
    app = await open_section(GENERIC)
    screen = await app.connect()
    await app.run("last_orders", TIMER)
    assert await screen.next() == ("notice", ["Last orders."])


async def test_generic_bindings_let_a_call_with_too_few_arguments_raise(open_section: Open, log: Log) -> None:
    app = await open_section(GENERIC)
    waiter = await app.connect()
    assert await waiter.refusal("placeOrder", 4) == "placeOrder failed on the server."
    assert "ValueError: not enough values to unpack" in log.text
    assert "In Azure it would receive the exception and its traceback" in log.text


async def test_generic_bindings_take_anything_for_an_order(open_section: Open) -> None:
    app = await open_section(GENERIC)
    waiter = await app.connect()
    await waiter.invoke("placeOrder", "four", None)
    assert await waiter.next() == ("newOrder", [{"table": "four", "dishes": None}])


async def test_second_message_of_a_generic_output_takes_the_place_of_the_first(
    guide: Guide, start_app: Start
) -> None:
    line = '    outbox.set(json.dumps({"target": "newOrder", "arguments": [order]}))'
    files = changed(guide.sections[GENERIC], line, line.replace("newOrder", "first") + "\n" + line)
    waiter = await (await start_app(files)).connect()
    await waiter.invoke("placeOrder", 4, [])
    assert (await waiter.next())[0] == "newOrder"


async def test_underscore_in_a_generic_binding_is_found_by_the_host(guide: Guide, start_app: Start) -> None:
    app = await start_app(changed(guide.sections[GENERIC], "outbox", "out_box"))
    assert "The binding name out_box is invalid" in app.instance.table.errors["place_order"]


# 2. Typed bindings.


async def test_host_is_told_what_it_was_told_by_generic_decorators(open_section: Open) -> None:
    before, after = (await open_section(GENERIC)).functions, (await open_section(TYPED)).functions
    assert before == after


async def test_typed_bindings_send_an_order_to_everybody(open_section: Open) -> None:
    app = await open_section(TYPED)
    waiter, screen = await app.connect(), await app.connect()
    await waiter.invoke("placeOrder", 4, ["soup", "bread"])
    assert await screen.next() == ("newOrder", [{"table": 4, "dishes": ["soup", "bread"]}])


async def test_typed_bindings_answer_true_with_true(open_section: Open) -> None:
    app = await open_section(TYPED)
    assert await (await app.connect()).invoke("placeOrder", 4, []) is True


async def test_outbox_takes_any_number_of_messages(guide: Guide, start_app: Start) -> None:
    line = '    outbox.send("newOrder", {"table": table, "dishes": dishes})'
    app = await start_app(twice(guide.sections[TYPED], line))
    waiter = await app.connect()
    await waiter.invoke("placeOrder", 4, [])
    assert [(await waiter.next())[0] for _ in range(2)] == ["newOrder", "newOrder"]


async def test_underscore_in_a_typed_binding_is_refused_with_the_rule(guide: Guide, start_app: Start) -> None:
    section = guide.sections[TYPED]
    with pytest.raises(AppError) as refused:
        await start_app(changed(section, "signalr_output()", 'signalr_output("out_box")'))
    (quote,) = section.quotes
    assert quote in str(refused.value)


# 3. The arguments of a call.


async def test_arguments_are_converted_by_their_annotations(open_section: Open) -> None:
    waiter = await (await open_section(ARGUMENTS)).connect()
    await waiter.invoke("placeOrder", 4, [{"name": "soup"}])
    assert await waiter.next() == ("newOrder", [{"table": 4, "dishes": [SOUP], "wanted": None}])


async def test_date_leaves_as_the_text_that_it_came_as(open_section: Open) -> None:
    waiter = await (await open_section(ARGUMENTS)).connect()
    await waiter.invoke("placeOrder", 4, [], "2027-05-01T19:30:00Z")
    _, (order,) = await waiter.next()
    assert order["wanted"] == "2027-05-01T19:30:00Z"


@pytest.mark.parametrize(
    ("number", "arguments"),
    [(0, [4]), (1, ["four", []]), (2, [4, [{"count": 2}]])],
    ids=["too few", "no number", "a dish without a name"],
)
async def test_call_that_does_not_fit_is_answered_with_what_does(
    guide: Guide, open_section: Open, number: int, arguments: list[object]
) -> None:
    waiter = await (await open_section(ARGUMENTS)).connect()
    assert await waiter.refusal("placeOrder", *arguments) == guide.sections[ARGUMENTS].quotes[number]


async def test_send_is_not_answered(open_section: Open) -> None:
    waiter = await (await open_section(ARGUMENTS)).connect()
    await waiter.send("placeOrder", 1, [])
    await waiter.send("placeOrder", "not a number", [])
    # The client fails on an answer to any call but this one.
    assert await waiter.invoke("placeOrder", 2, []) is True
    assert [(await waiter.next())[1][0]["table"] for _ in range(2)] == [1, 2]


# 4. Errors.


async def test_hub_exception_reads_as_it_was_raised(open_section: Open) -> None:
    waiter = await (await open_section(ERRORS)).connect()
    assert await waiter.refusal("placeOrder", 4, []) == "An order has at least one dish."


async def test_other_exception_is_general_for_the_client_and_whole_in_the_log(
    guide: Guide, open_section: Open, log: Log
) -> None:
    waiter = await (await open_section(ERRORS)).connect()
    told = await waiter.refusal("placeOrder", 4, [{"name": "pizza"}])
    assert [told] == guide.sections[ERRORS].quotes
    assert "in place_order" in log.text
    assert "KeyError: 'pizza'" in log.text


async def test_nobody_notices_a_failed_call(open_section: Open) -> None:
    app = await open_section(ERRORS)
    waiter, screen = await app.connect(), await app.connect()
    await waiter.refusal("placeOrder", 4, [{"name": "pizza"}])
    await waiter.invoke("placeOrder", 5, [{"name": "soup"}])
    assert (await screen.next())[1][0]["table"] == 5


# 5. The outbox.


async def test_outbox_sends_to_whom_each_message_names(open_section: Open) -> None:
    app = await open_section(OUTBOX)
    cook, waiter = await app.connect(), await app.connect()
    await cook.invoke("joinStation", "stove")
    assert await cook.next() == ("notice", ["You are at the stove."])
    await waiter.invoke("placeOrder", 4, [{"name": "soup"}, {"name": "steak"}])
    assert await cook.next() == ("cook", [4, SOUP])
    assert (await cook.next())[0] == "newOrder"
    assert (await waiter.next())[0] == "newOrder"


async def test_nothing_of_the_outbox_is_sent_where_the_function_raises(open_section: Open) -> None:
    app = await open_section(OUTBOX)
    cook = await app.connect()
    await cook.invoke("joinStation", "stove")
    await cook.next()
    refusal = await cook.refusal("placeOrder", 4, [{"name": "soup"}, {"name": "pizza"}])
    assert refusal == "pizza is not on the menu."
    await cook.invoke("placeOrder", 5, [])
    assert (await cook.next())[0] == "newOrder"


async def test_message_has_one_addressee() -> None:
    with pytest.raises(ValueError, match="connection_id and group_name are given, expected one of them"):
        SignalROutput().send("notice", connection_id="1", group_name="stove")


async def test_returned_message_is_sent(open_section: Open) -> None:
    app = await open_section(OUTBOX)
    screen = await app.connect()
    await app.run("last_orders", TIMER)
    assert await screen.next() == ("notice", ["Last orders."])


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


async def test_tests_of_the_guide_pass(guide: Guide, tmp_path: Path) -> None:
    for name, text in guide.sections[TESTS].files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "asyncio_mode=auto"),
        *("-o", "asyncio_default_fixture_loop_scope=function"),
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    assert "3 passed" in output.decode()
