"""Upstream rules in a settings.json, as the official emulator reads it."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from signalr_local.emulator.rules import UpstreamRule
from signalr_local.emulator.settings_file import DEFAULT_SETTINGS, SettingsFile

PATIENCE = 20.0

TWO_RULES = """\ufeff// two rules
{
  "upstreamsettings": { /* names have no case */
    "templates": [
      {"UrlTemplate": "http://first//{event}", "EventPattern": "a, b",
       "HubPattern": "", "CategoryPattern": null},
      {"urltemplate": " https://second/?code=//x ", "Auth": {"Type": "None"}, "More": 1,},
    ],
  },
  "Logging": {}
}
"""


def file(folder: Path, text: str) -> SettingsFile:
    path = folder / "settings.json"
    path.write_text(text, encoding="utf-8")
    return SettingsFile(path)


def templates(*urls: str) -> str:
    rules = ",".join(f'{{"UrlTemplate":"{url}"}}' for url in urls)
    return f'{{"UpstreamSettings":{{"Templates":[{rules}]}}}}'


def test_comments_trailing_commas_and_names_in_any_case_are_read(tmp_path: Path) -> None:
    assert file(tmp_path, TWO_RULES).read() == [
        UpstreamRule("http://first//{event}", hub="", category="", event="a, b"),
        UpstreamRule("https://second/?code=//x"),
    ]


def test_the_default_file_sends_everything_to_the_host(tmp_path: Path) -> None:
    assert file(tmp_path, DEFAULT_SETTINGS).read() == [
        UpstreamRule("http://localhost:7071/runtime/webhooks/signalr")
    ]


@pytest.mark.parametrize("text", ["{}", '{"UpstreamSettings":{}}', '{"UpstreamSettings":{"Templates":null}}'])
def test_a_file_without_rules_has_none(tmp_path: Path, text: str) -> None:
    assert file(tmp_path, text).read() == []


def test_the_environment_does_not_change_the_rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UpstreamSettings__Templates__0__UrlTemplate", "http://other")
    assert file(tmp_path, templates("http://app")).read() == [UpstreamRule("http://app")]


def test_a_folder_stands_for_the_file_in_it(tmp_path: Path) -> None:
    file(tmp_path, templates("http://app"))
    assert SettingsFile(tmp_path).read() == [UpstreamRule("http://app")]


@pytest.mark.parametrize("name", ["nothere", "nothere.json", "."])
def test_a_file_that_is_not_there_is_named_as_in_the_official_emulator(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="Unable to find config file '") as refused:
        SettingsFile(tmp_path / name)
    assert "settings.json'." in str(refused.value)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("{ bad", "is not valid JSON: "),
        ("[" * 100_000, "is not valid JSON: "),
        ('{"UpstreamSettings":{"Templates":{}}}', "Templates must be a list"),
        ('{"UpstreamSettings":{"Templates":[1]}}', r"rule \[0\] must be an object with a UrlTemplate"),
        (templates("http://app", " "), r"rule \[1\] must be an object with a UrlTemplate"),
        (
            '{"UpstreamSettings":{"Templates":[{"UrlTemplate":"http://a","EventPattern":["a"]}]}}',
            r"the EventPattern of rule \[0\] must be a text",
        ),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path: Path, text: str, error: str) -> None:
    with pytest.raises(ValueError, match=error) as refused:
        file(tmp_path, text).read()
    assert "settings.json" in str(refused.value)


def test_an_identity_that_the_emulator_does_not_have_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file(
        tmp_path,
        '{"UpstreamSettings":{"Templates":[{"UrlTemplate":"http://a","Auth":{"Type":"ManagedIdentity"}}]}}',
    ).read()
    assert "rule [0] authenticates with a managed identity" in caplog.text


def test_a_pipe_in_the_place_of_the_file_is_not_waited_for(tmp_path: Path) -> None:
    settings = file(tmp_path, templates("http://app"))
    settings.path.unlink()
    settings.path.mkdir() if os.name == "nt" else os.mkfifo(settings.path)
    with pytest.raises(ValueError, match="cannot be read: it is not a file"):
        settings.read()


class Watched:
    """A file that is watched, and the rules that were applied."""

    def __init__(self, settings: SettingsFile) -> None:
        self.settings = settings
        self.applied: asyncio.Queue[list[UpstreamRule]] = asyncio.Queue()
        self._task = asyncio.create_task(settings.watch(self._apply, 0.005))

    def _apply(self, rules: Sequence[UpstreamRule]) -> None:
        self.applied.put_nowait(list(rules))

    async def next(self) -> list[str]:
        async with asyncio.timeout(PATIENCE):
            return [rule.url for rule in await self.applied.get()]

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


async def test_an_edit_is_applied(tmp_path: Path) -> None:
    watched = Watched(file(tmp_path, templates("http://old")))
    file(tmp_path, templates("http://new", "http://second"))
    assert await watched.next() == ["http://new", "http://second"]
    await watched.stop()


async def test_a_file_that_is_replaced_by_another_is_applied(tmp_path: Path) -> None:
    watched = Watched(file(tmp_path, templates("http://old")))
    other = tmp_path / "other.json"
    other.write_text(templates("http://new"))
    os.replace(other, watched.settings.path)
    assert await watched.next() == ["http://new"]
    await watched.stop()


@pytest.mark.parametrize("broken", ["{ bad", None])
async def test_a_broken_edit_keeps_the_good_rules_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, broken: str | None
) -> None:
    said = asyncio.Event()

    def hear(_: object) -> bool:
        said.set()
        return True

    caplog.handler.addFilter(hear)
    watched = Watched(file(tmp_path, templates("http://old")))
    if broken is None:
        watched.settings.path.unlink()
    else:
        file(tmp_path, broken)
    async with asyncio.timeout(PATIENCE):
        await said.wait()
    assert "The rules that were read before stay in use." in caplog.text
    assert watched.applied.empty()
    file(tmp_path, templates("http://new"))
    assert await watched.next() == ["http://new"]
    await watched.stop()


@pytest.mark.parametrize(
    ("text", "is_meant"),
    [(templates(), True), (TWO_RULES, True), ('{"upstreamSettings": bad', True), ("{}", False)],
)
def test_a_file_of_another_program_is_not_meant(tmp_path: Path, text: str, is_meant: bool) -> None:
    assert file(tmp_path, text).has_rules() is is_meant


async def test_a_file_is_read_once_and_only_when_it_has_stayed_the_same(
    tmp_path: Path, mocker: MockerFixture
) -> None:
    settings = file(tmp_path, templates("http://new"))
    enough = asyncio.Event()
    states = [settings._signature, (1, 1, 1), (2, 2, 2), (2, 2, 2), (2, 2, 2), (2, 2, 2)]

    def sign() -> object:
        if len(states) == 1:
            enough.set()
            return states[0]
        return states.pop(0)

    mocker.patch.object(settings, "_sign", side_effect=sign)
    looks_left: list[int] = []
    watching = asyncio.create_task(settings.watch(lambda _: looks_left.append(len(states)), 0))
    async with asyncio.timeout(PATIENCE):
        await enough.wait()
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    # Two states have passed by before one was seen twice.
    assert looks_left == [2]
