"""Requests to the app: connections are kept, and every way in which a response can go wrong has its name."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalr_local.emulator import http_client
from signalr_local.emulator.http_client import (
    BrokenResponseError,
    HttpClient,
    NoResponseError,
    Response,
    StalledResponseError,
    TooLargeError,
    UnreachableError,
)

PATIENCE = 10.0
FINE = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nfi\r\n2\r\nne\r\n0\r\n\r\n"


class App:
    """Answer each request with bytes that the test chooses, and hang up where they are None."""

    def __init__(self) -> None:
        self.answers: list[bytes | None] = []
        self.requests: list[bytes] = []
        self.connections = 0
        self.hangs_up = False
        self.asked = asyncio.Event()
        self.left = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                self.requests.append(head + await reader.readexactly(length))
                self.asked.set()
                answer = self.answers.pop(0) if self.answers else FINE
                if answer is not None:
                    writer.write(answer)
                    await writer.drain()
                if answer is None or self.hangs_up:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            self.left.set()
        finally:
            writer.close()


type Post = Callable[..., "asyncio.Future[Response]"]


@pytest.fixture
async def app() -> App:
    return App()


@pytest.fixture
async def url(app: App) -> AsyncIterator[str]:
    server = await asyncio.start_server(app.serve, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/webhook"
    server.close()


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    client = HttpClient(PATIENCE, 1000)
    yield client
    client.close()
    # The sockets are closed in the next turn of the loop.
    await asyncio.sleep(0)


async def test_a_request_has_the_given_headers_and_body_and_no_more(
    app: App, url: str, client: HttpClient
) -> None:
    assert await client.post(f"{url}/a%2Fb?code=%3D", {"X-A": "b", "X-É": "é"}, b"body") == Response(
        200, b"fine"
    )
    host = url.split("/")[2]
    assert app.requests == [
        f"POST /webhook/a%2Fb?code=%3D HTTP/1.1\r\nHost: {host}\r\nX-A: b\r\nX-É: é\r\n"
        "Content-Length: 4\r\n\r\nbody".encode()
    ]


async def test_a_connection_is_kept_for_the_next_request(app: App, url: str, client: HttpClient) -> None:
    for _ in range(3):
        await client.post(url, {}, b"")
    assert app.connections == 1


async def test_requests_at_the_same_time_have_connections_of_their_own(
    app: App, url: str, client: HttpClient
) -> None:
    await asyncio.gather(*(client.post(url, {}, b"") for _ in range(5)))
    assert app.connections == 5
    await asyncio.gather(*(client.post(url, {}, b"") for _ in range(5)))
    assert app.connections == 5


async def test_a_connection_that_the_app_has_closed_is_not_used_again(
    app: App, url: str, client: HttpClient
) -> None:
    app.hangs_up = True
    for _ in range(3):
        assert (await client.post(url, {}, b"")).body == b"fine"
        await asyncio.sleep(0.01)
    assert app.connections == 3


async def test_a_connection_that_the_app_will_close_is_not_used_again(
    app: App, url: str, client: HttpClient
) -> None:
    app.answers = [b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"]
    await client.post(url, {}, b"")
    await client.post(url, {}, b"")
    assert app.connections == 2


async def test_connections_that_nobody_needs_are_closed(
    app: App, url: str, client: HttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_client, "_KEEP_ALIVE", 0.01)
    await client.post(url, {}, b"")
    async with asyncio.timeout(PATIENCE):
        await app.left.wait()
    await client.post(url, {}, b"")
    assert app.connections == 2


@given(cut=st.integers(1, len(CHUNKED) - 1))
async def test_a_chunked_response_is_put_together_wherever_it_is_cut(cut: int) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for part in (CHUNKED[:cut], CHUNKED[cut:]):
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    client = HttpClient(PATIENCE, 1000)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    assert await client.post(url, {}, b"") == Response(200, b"fine")
    client.close()
    server.close()


@pytest.mark.parametrize(
    ("answer", "response"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", Response(204, b"")),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Response(200, b"")),
        (b"HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\nno", Response(500, b"no")),
        (b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", Response(302, b"")),
        (b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + FINE, Response(200, b"fine")),
    ],
)
async def test_a_response_is_handed_over_as_it_is(
    app: App, url: str, client: HttpClient, answer: bytes, response: Response
) -> None:
    app.answers = [answer]
    assert await client.post(url, {}, b"") == response


async def test_a_response_may_end_with_its_connection(app: App, url: str, client: HttpClient) -> None:
    app.answers, app.hangs_up = [b"HTTP/1.1 200 OK\r\n\r\nfine"], True
    assert await client.post(url, {}, b"") == Response(200, b"fine")


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (None, NoResponseError),
        (b"SSH-2.0-OpenSSH\r\n", NoResponseError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", BrokenResponseError),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nno number\r\n", BrokenResponseError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n" + b"x" * 1001, TooLargeError),
    ],
)
async def test_what_goes_wrong_has_a_name(
    app: App, url: str, client: HttpClient, answer: bytes | None, error: type[Exception]
) -> None:
    app.answers, app.hangs_up = [answer], True
    with pytest.raises(error):
        await client.post(url, {}, b"")
    assert (await client.post(url, {}, b"")).body == b"fine"


@pytest.mark.parametrize(
    ("answer", "error"),
    [(b"", TimeoutError), (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx", StalledResponseError)],
)
async def test_a_response_that_does_not_come_in_time_is_an_error(
    app: App, url: str, answer: bytes, error: type[Exception]
) -> None:
    client = HttpClient(0.05, 1000)
    app.answers = [answer]
    with pytest.raises(error) as raised:
        await client.post(url, {}, b"")
    assert type(raised.value) is error
    client.close()
    await asyncio.sleep(0)


async def test_a_port_on_which_nobody_listens_is_unreachable(client: HttpClient) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(UnreachableError, match="Connection refused"):
        await client.post(f"http://127.0.0.1:{port}/", {}, b"")


@pytest.mark.parametrize("value", ["a\r\nX-Admin: true", "a\nb", "a\0b"])
async def test_a_header_cannot_bring_others_along(app: App, url: str, client: HttpClient, value: str) -> None:
    with pytest.raises(ValueError, match="X-A would hold a line break"):
        await client.post(url, {"X-A": value}, b"")
    assert not app.requests


@pytest.mark.parametrize(
    "url", ["ftp://app/", "http://", "no address", "/path", "http://app:99999/", "http://app/a b"]
)
async def test_what_is_not_an_address_is_refused(client: HttpClient, url: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        await client.post(url, {}, b"")


async def test_a_user_in_the_address_is_sent_as_credentials(app: App, url: str, client: HttpClient) -> None:
    await client.post(url.replace("//", "//ann:secret@"), {}, b"")
    assert b"\r\nAuthorization: Basic YW5uOnNlY3JldA==\r\n" in app.requests[0]


async def test_half_a_surrogate_pair_becomes_a_replacement_character(
    app: App, url: str, client: HttpClient
) -> None:
    await client.post(url, {"X-A": "\ud83d"}, b"")
    assert "X-A: \ufffd\r\n".encode() in app.requests[0]


async def test_closing_ends_requests_that_are_under_way(app: App, url: str, client: HttpClient) -> None:
    app.answers = [b""]
    request = asyncio.create_task(client.post(url, {}, b""))
    async with asyncio.timeout(PATIENCE):
        await app.asked.wait()
    client.close()
    with pytest.raises(NoResponseError):
        await request
