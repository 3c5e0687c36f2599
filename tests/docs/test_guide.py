"""The guide does what it says: each section's app runs, and real calls are answered as the text claims."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import pytest

from serverless_signalr import SignalROutput
from signalr_local.host.worker import AppError

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.asyncio(loop_scope="module")

GENERIC, TYPED, ARGUMENTS, ERRORS, OUTBOX, HUB, USERS, GROUPS, RULES, ANYWHERE, UPSTREAM, TESTS = range(1, 13)
"""The sections."""

TIMER = {"type": "json", "value": '{"IsPastDue": false, "Schedule": {}, "ScheduleStatus": {}}'}


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
