"""Targets of requests: the decoded path, and the address that a function sees."""

import pytest

from signalr_local.host.targets import Target, TargetError


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ("/", "/"),
        ("/a%20b", "/a b"),
        ("/a+b", "/a+b"),
        ("/%C3%A9", "/é"),
        ("/%ff", "/%FF"),
        ("/%C3%A9%E4", "/é%E4"),
        ("/a%2Fb", "/a%2Fb"),
        ("/a%2fb", "/a%2Fb"),
        ("/a%252Fb", "/a%2Fb"),
        ("/a%0Ab", "/a\nb"),
        ("/%3Fx%23", "/?x#"),
        ("/a%", "/a%"),
        ("/a/./b", "/a/b"),
        ("/a/../b", "/b"),
        ("/../a", "/a"),
        ("/a/%2e%2e/b", "/b"),
        ("/a/..", "/"),
        ("//a", "//a"),
        ("/a.b", "/a.b"),
    ],
)
def test_a_path_is_decoded(raw: str, path: str) -> None:
    assert Target.parse(raw, "http", "localhost").path == path


@pytest.mark.parametrize(
    ("raw", "url"),
    [
        ("/%61pi?x=%zz", "http://localhost/api?x=%zz"),
        ("/a%", "http://localhost/a%25"),
        ("/a\\b", "http://localhost/a%5Cb"),
        ("/%E4", "http://localhost/%E4"),
        ("/é", "http://localhost/%C3%A9"),
        ("http://localhost/a?q=1", "http://localhost/a?q=1"),
    ],
)
def test_a_function_sees_the_address(raw: str, url: str) -> None:
    assert Target.parse(raw, "http", "localhost").url == url


@pytest.mark.parametrize("raw", ["http://other.example/a", "/a%00b"])
def test_a_target_may_be_refused(raw: str) -> None:
    with pytest.raises(TargetError):
        Target.parse(raw, "http", "localhost")
