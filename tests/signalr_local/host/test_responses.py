"""Responses of functions: what the real host sends anew, and what it cannot send."""

from typing import Any

import pytest

from signalr_local.host.cookies import CookieError, rewrite
from signalr_local.host.host_names import is_own_name
from signalr_local.host.responses import ResponseError, bare, from_worker


def value(status: int = 200, headers: dict[str, str] | None = None, *cookies: str) -> dict[str, Any]:
    return {"type": "http", "status": status, "headers": headers or {}, "cookies": cookies}


@pytest.mark.parametrize(
    ("cookie", "sent"),
    [
        ("a=1", "a=1"),
        ("a=YWJj==", "a=YWJj%3D%3D"),
        ("a=a/b c", "a=a%2Fb%20c"),
        ('a="quo\\"ted"', "a=quo%22ted"),
        ("a=1; Path=/; HttpOnly; Secure; SameSite=Lax", "a=1; path=/; httponly; secure; samesite=lax"),
        ("a=1; SameSite=bogus; Path=", "a=1"),
        ("a=1; Max-Age=60", "a=1; max-age=60"),
        ("a=1; expires=Wed, 09 Jun 2027 10:18:14 GMT", "a=1; expires=Wed, 09 Jun 2027 10:18:14 GMT"),
    ],
)
def test_a_cookie_is_written_anew(cookie: str, sent: str) -> None:
    assert rewrite(cookie) == sent


@pytest.mark.parametrize("cookie", ["a=1; Max-Age=x", "a=1; Expires=tomorrow"])
def test_a_cookie_with_a_wrong_end_is_refused(cookie: str) -> None:
    with pytest.raises(CookieError):
        rewrite(cookie)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (value(99), "its status is 99, expected 100 to 999"),
        (value(1000), "its status is 1000"),
        (value(200, {"a b": "1"}), "'a b' is not the name of a header"),
        (value(200, {"X-A": "caf\u00e9"}), "the header X-A has the value"),
        (value(200, {"X-A": "a\x00b"}), "the header X-A has the value"),
        (value(200, {"Content-Length": "1"}), "its Content-Length is 1, its body has 3 bytes"),
        (value(200, {}, "a=1; Max-Age=x"), "a cookie's Max-Age is 'x', expected a number"),
    ],
)
def test_a_response_that_cannot_be_sent_is_refused(given: dict[str, Any], reason: str) -> None:
    with pytest.raises(ResponseError, match=f"^{reason}"):
        from_worker(given, b"abc")


def sent(text: str, **options: bool) -> tuple[int, str]:
    response: Any = bare(text, **options)[0]
    return response.status, response.body.decode()


@pytest.mark.parametrize(
    ("text", "body"),
    [
        ("plain <b>text</b>", "plain <b>text</b>"),
        ('{"a":1}', '{\n  "a": 1\n}'),
        ("/* c */ {'a': 1,}", '{\n  "a": 1\n}'),
        ('"quoted"', "quoted"),
        ("1.50", "1.5"),
        ("010", "8"),
        ("012345 Main Street", "012345 Main Street"),
        ('{"at":"2026-01-02T03:04:05.120Z"}', '{\n  "at": "2026-01-02T03:04:05.12Z"\n}'),
        ("[" * 65 + "]" * 65, "[" * 65 + "]" * 65),
        ("half \ud83d", "half \ufffd"),
        ('["\\ud83d"]', '[\n  "\ufffd"\n]'),
    ],
    ids=[
        "plain",
        "json",
        "lenient",
        "quoted",
        "number",
        "octal",
        "address",
        "date",
        "deep",
        "half",
        "escape",
    ],
)
def test_a_bare_text_is_written_anew_where_it_is_json(text: str, body: str) -> None:
    assert sent(text) == (200, body)


def test_dates_of_a_bare_text_may_be_kept() -> None:
    assert sent('["2026-01-02T03:04:05.120Z"]', dates=False)[1] == '[\n  "2026-01-02T03:04:05.120Z"\n]'


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ('{"a": 1}', None),
        ("some text", None),
        ('["2026-01-02T03:04:05Z"]', None),
        ('["2026-01-02T03:04:05.120Z"]', '[\n  "2026-01-02T03:04:05.12Z"\n]'),
        ("010", "8"),
        ('"quoted"', "quoted"),
    ],
)
def test_a_bare_text_that_becomes_another_value_is_told(text: str, changed: str | None) -> None:
    assert bare(text)[1] == changed


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ('{"body": "x", "status": 201}', 201),
        ('{"Body": "x", "STATUS": "202"}', 202),
        ('{"body": "x", "status": 201, "statusCode": 203}', 203),
        ('{"body": "x", "status": "x"}', 200),
        ('{"body": "x", "status": null, "headers": [1]}', 200),
    ],
)
def test_an_object_with_a_body_is_a_response(text: str, status: int) -> None:
    assert sent(text) == (status, "x")


def test_a_text_that_stands_for_no_response_is_refused() -> None:
    with pytest.raises(ResponseError):
        bare('{"body": "x", "status": 99}')


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost:7071",
        "127.0.0.1:7071",
        "[::1]:7071",
        "192.168.1.5",
        "a.localhost",
        "mybox",
        "",
    ],
)
def test_names_of_this_machine_are_its_own(host: str) -> None:
    assert is_own_name(host, ())


@pytest.mark.parametrize("host", ["rebound.evil.example", "evil.example:7071", "localhost.evil.example"])
def test_names_of_others_are_not(host: str) -> None:
    assert not is_own_name(host, ())
    assert is_own_name(host, (host.partition(":")[0].upper(),))
