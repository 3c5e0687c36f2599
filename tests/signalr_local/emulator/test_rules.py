"""Upstream rules: patterns, addresses, and what they look like."""

import pytest

from signalr_local.emulator.rules import UpstreamRule, find_rule, shown_rules


@pytest.mark.parametrize(
    ("pattern", "is_match"),
    [
        ("*", True),
        ("chat", True),
        ("other, chat", True),
        ("other ,\tchat ,", True),
        ("other,*", True),
        ("other, * ", True),
        ("Chat", False),
        ("other", False),
        ("chats", False),
        ("chat*", False),
        ("", False),
        (" ", False),
        (",", False),
    ],
)
def test_a_pattern_is_a_list_of_names_with_case_in_which_a_star_is_all(pattern: str, is_match: bool) -> None:
    for name in ("hub", "category", "event"):
        rule = UpstreamRule("http://app", **{name: pattern})
        assert rule.matches("chat", "chat", "chat") is is_match


def test_all_three_patterns_have_to_match() -> None:
    rule = UpstreamRule("http://app", hub="chat", category="messages", event="send,leave")
    assert rule.matches("chat", "messages", "leave")
    assert not rule.matches("chat", "connections", "leave")
    assert not rule.matches("chat", "messages", "connected")


def test_the_first_rule_that_matches_is_found() -> None:
    first, second = UpstreamRule("http://1", event="a"), UpstreamRule("http://2", event="a,b")
    assert find_rule([first, second], "h", "messages", "a") is first
    assert find_rule([first, second], "h", "messages", "b") is second
    assert find_rule([first, second], "h", "messages", "c") is None


def test_placeholders_are_replaced_by_encoded_names() -> None:
    rule = UpstreamRule("http://app/{hub}/{category}/{event}?e={event}&code=a%2Fb")
    url = rule.url_for("chat", "messages", "a b/ü{hub}")
    assert url == ("http://app/chat/messages/a%20b%2F%C3%BC%7Bhub%7D?e=a%20b%2F%C3%BC%7Bhub%7D&code=a%2Fb")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://app/x?code=secret", "http://app/x"),
        ("http://me:secret@app:7071/{event}", "http://app:7071/{event}"),
        (
            "{@Microsoft.KeyVault(SecretUri=https://v/s)}?code=secret",
            "{@Microsoft.KeyVault(SecretUri=https://v/s)}",
        ),
        ("http://[::1/?code=secret", "an invalid URL"),
    ],
)
def test_a_rule_is_shown_as_in_the_official_emulator_and_without_its_key(url: str, shown: str) -> None:
    rules = [UpstreamRule("http://first/"), UpstreamRule(url, "h", "messages", "a,b")]
    assert shown_rules(rules) == [
        "\t[0]http://first/(event:'*',hub:'*',category:'*')",
        f"\t[1]{shown}(event:'a,b',hub:'h',category:'messages')",
    ]


@pytest.mark.parametrize(
    ("rule", "doubt"),
    [
        (UpstreamRule("http://app", hub="chat, Other"), "the hub pattern 'chat, Other' has capital letters"),
        (UpstreamRule("http://app", category="Messages"), "the category pattern 'Messages' is neither"),
        (UpstreamRule("app/path"), "its URL does not start with http:// or https://"),
        (UpstreamRule("http://app:99999"), "its URL does not start with http:// or https://"),
        (
            UpstreamRule("http://app/{hub}/{Event}"),
            "{Event} in its URL stays as it is: only {hub}, {category}",
        ),
        (UpstreamRule("{@Microsoft.KeyVault(SecretUri=https://v/s)}"), "resolved by the service only"),
    ],
)
def test_a_rule_that_can_hardly_be_meant_is_doubted(rule: UpstreamRule, doubt: str) -> None:
    (found,) = rule.doubts()
    assert doubt in found


def test_an_ordinary_rule_is_not_doubted() -> None:
    assert UpstreamRule("https://app/{event}?code=x", "chat,*", "connections,messages").doubts() == []
