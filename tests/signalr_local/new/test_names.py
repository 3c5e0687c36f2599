"""The names of a new app and its hub: which are taken, and what they are by default."""

import pytest

from signalr_local.new.names import app_name_for, check_app_name, check_hub, hub_name_for


@pytest.mark.parametrize("name", ["ab", "my-chat", "chat2", "a" * 40])
def test_name_of_an_app_that_azure_takes_is_taken(name: str) -> None:
    assert check_app_name(name) == name


@pytest.mark.parametrize(
    "name", ["", "a", "My", "my_chat", "2chat", "chat-", "-chat", "a" * 41, "chät", "a b"]
)
def test_name_of_an_app_that_azure_refuses_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="lower-case letters, digits and hyphens"):
        check_app_name(name)


@pytest.mark.parametrize("name", ["chat", "Chat", "my_chat", "chat2", "a" * 128])
def test_name_of_a_hub_is_taken(name: str) -> None:
    assert check_hub(name) == name


@pytest.mark.parametrize(
    "name", ["", "2chat", "_chat", "my-chat", "chat hub", "a" * 129, 'a"b', "a`b", "a[b]", "a,b", "chät"]
)
def test_name_of_a_hub_that_the_service_refuses_or_code_would_have_to_quote_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="the hub name"):
        check_hub(name)


@pytest.mark.parametrize(
    ("folder", "app", "hub"),
    [
        ("my-chat", "my-chat", "my_chat"),
        ("My Chat", "my-chat", "my_chat"),
        ("chat_app.v2", "chat-app-v2", "chat_app_v2"),
        ("2chat", "chat", "chat"),
        ("--x--y--", "x-y", "x_y"),
        ("日本", "app", "app"),
        ("x", "app", "app"),
        ("a" * 39 + "-b", "a" * 39, "a" * 39),
    ],
)
def test_defaults_follow_the_folder_and_are_valid(folder: str, app: str, hub: str) -> None:
    assert check_app_name(app_name_for(folder)) == app
    assert check_hub(hub_name_for(app)) == hub
