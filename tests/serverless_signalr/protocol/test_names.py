"""Names as the service's OpenAPI files allow them, and as the wire spells those of Python."""

from typing import Any

import pytest

from serverless_signalr.protocol.names import MAX_GROUP_NAME, check_group_name, check_hub_name, to_camel_case


@pytest.mark.parametrize("name", ["c", "chat", "Chat", "c1", "a_b", "List`1", "a.b,c[d]", "x" * 128])
def test_hub_name_is_returned_as_it_is(name: str) -> None:
    assert check_hub_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("", id="empty"),
        pytest.param("1chat", id="starts-with-digit"),
        pytest.param("_chat", id="starts-with-underscore"),
        pytest.param("my-chat", id="hyphen"),
        pytest.param("my chat", id="blank"),
        pytest.param("chat\n", id="line-end"),
        pytest.param("châtel", id="not-ascii"),
        pytest.param("chat/x", id="slash"),
        pytest.param("x" * 129, id="too-long"),
    ],
)
def test_hub_name_that_the_service_refuses_is_an_error_with_the_rule(name: str) -> None:
    with pytest.raises(ValueError, match="1 to 128 characters, starts with a letter"):
        check_hub_name(name)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("g", id="short"),
        pytest.param("my group/1?", id="punctuation"),
        pytest.param(" padded ", id="padded"),
        pytest.param("群组", id="not-ascii"),
        pytest.param("x" * MAX_GROUP_NAME, id="longest"),
    ],
)
def test_group_name_is_returned_as_it_is(name: str) -> None:
    assert check_group_name(name) == name


@pytest.mark.parametrize("name", ["", " ", "\t\n "])
def test_blank_group_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="a group name must not be empty or blank"):
        check_group_name(name)


def test_group_name_that_is_too_long_is_refused_with_both_lengths() -> None:
    with pytest.raises(ValueError, match="a group name has at most 1,024 characters, this one has 1,025"):
        check_group_name("x" * 1025)


@pytest.mark.parametrize("check", [check_hub_name, check_group_name])
@pytest.mark.parametrize("name", [None, 5, b"chat", ["chat"]])
def test_name_that_is_not_text_is_refused(check: Any, name: Any) -> None:
    with pytest.raises(TypeError, match=r"the (hub|group) name is .*, expected text"):
        check(name)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("text", "text"),
        ("group_name", "groupName"),
        ("user_id", "userId"),
        ("groupName", "groupName"),
        ("a_b_c", "aBC"),
        ("page_2", "page2"),
        ("send_HTTP_x", "sendHTTPX"),
        ("get_userName", "getUserName"),
        ("HTTP_send", "HTTPSend"),
        ("a__b", "aB"),
        ("trailing_", "trailing"),
        ("grüße_über", "grüßeÜber"),
    ],
)
def test_python_name_in_camel_case(name: str, expected: str) -> None:
    assert to_camel_case(name) == expected
