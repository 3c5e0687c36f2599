"""The page in a real browser, against an emulator and a host that can be stopped one by one."""

import os
import shutil
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import pytest
from playwright.async_api import Browser, Locator, Page, WebSocketRoute, async_playwright, expect

from tests.browser.stage import look, stage

__all__ = ["look", "stage"]

ROOT = Path(__file__).parents[2]
AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
PICTURES = ROOT / "test-results"


class Launch(Protocol):
    def __call__(self, *arguments: str) -> Any: ...


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Stack:
    """Run the app on the host, against an emulator that can be restarted on its port."""

    launch: Launch
    folder: Path
    emulator_port: int
    page: str = ""
    _emulator: Any = None
    _host: Any = None

    def start(self) -> None:
        settings = self.folder / "local.settings.json"
        settings.write_text(settings.read_text().replace("Port=8888", f"Port={self.emulator_port}"))
        self._host = self.launch("host", "--app", str(self.folder), "--port", "0")
        self.page = self._host.wait_for(r"Open (http://\S+/index)")[1]
        self.start_emulator()

    def start_emulator(self) -> None:
        host = self.page.removesuffix("/api/index")
        self._emulator = self.launch(
            "emulator",
            "--emulator-port",
            str(self.emulator_port),
            "--upstream",
            f"{host}/runtime/webhooks/signalr",
        )
        self._emulator.wait_for("SignalR Service emulator")

    def stop_emulator(self) -> None:
        assert self._emulator.stop() == 0, self._emulator.text

    def stop(self) -> None:
        self.stop_emulator()
        assert self._host.stop() == 0, self._host.text


@pytest.fixture(scope="session")
def stack(launch: Launch, app_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Start the app for all tests."""
    folder = tmp_path_factory.mktemp("browser") / "app"
    shutil.copytree(app_folder, folder)
    stack = Stack(launch, folder, free_port())
    stack.start()
    yield stack
    stack.stop()


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """Start the browser that the environment variable CHROMIUM names."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if path is None and not os.environ.get("CI"):
        pytest.skip("no browser: make test says how to get one")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=path,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"],
        )
        yield browser
        await browser.close()


class ChatPage:
    """Use the page as a person does: by labels, roles and names."""

    def __init__(self, page: Page, user: str) -> None:
        self.page = page
        self.user = user
        self.status = page.get_by_role("status")
        self.log = page.get_by_role("log")
        self.conversations = page.get_by_role("navigation", name="Conversations")
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    async def join(self) -> None:
        await self.page.get_by_label("Your name").fill(self.user)
        await self.page.get_by_role("button", name="Join", exact=True).click()
        await self.is_in_state("connected")

    async def is_in_state(self, state: str) -> None:
        await expect(self.status).to_have_attribute("data-state", state)

    async def write(self, to: str, text: str) -> None:
        field = self.page.get_by_label(f"Message to {to}")
        await field.fill(text)
        await field.press("Enter")

    async def add_conversation(self) -> None:
        """Show the forms that add one."""
        add = self.page.get_by_role("button", name="New conversation")
        if await add.get_attribute("aria-expanded") == "false":
            await add.click()

    async def join_group(self, name: str) -> None:
        await self.add_conversation()
        await self.page.get_by_label("Group name").fill(name)
        await self.page.get_by_role("button", name="Join group").click()
        await expect(self.page.get_by_role("heading", level=1)).to_have_text(name)

    async def open_private(self, user: str) -> None:
        await self.add_conversation()
        await self.page.get_by_label("User or connection id").fill(user)
        await self.page.get_by_role("button", name="Open", exact=True).click()
        await expect(self.page.get_by_role("heading", level=1)).to_have_text(user)

    def person(self, name: str) -> Locator:
        return self.page.locator("li[data-presence]").filter(has_text=name)

    async def open(self, conversation: str) -> None:
        await self.conversations.get_by_role("button", name=conversation).click()

    def message(self, text: str) -> Locator:
        return self.log.get_by_role("article").filter(has_text=text)


@pytest.fixture
async def visit(browser: Browser, stack: Stack) -> AsyncIterator[Callable[..., Any]]:
    """Open the page in a window of its own and join as a user."""
    visited: list[ChatPage] = []

    async def open_page(
        user: str, *, clock: str | None = None, lost: str | None = None, **options: Any
    ) -> ChatPage:
        context = await browser.new_context(locale="en-US", **options)
        context.set_default_timeout(30_000)
        chat = ChatPage(await context.new_page(), user)
        if clock is not None:
            await chat.page.clock.set_fixed_time(clock)
        if lost is not None:
            await chat.page.clock.install()
            await chat.page.route_web_socket("**", partial(_lose_calls, lost))
        visited.append(chat)
        await chat.page.goto(stack.page)
        await chat.join()
        return chat

    expect.set_options(timeout=30_000)
    yield open_page
    for chat in visited:
        await chat.page.context.close()
    assert [error for chat in visited for error in chat.errors] == []


def _lose_calls(target: str, socket: WebSocketRoute) -> None:
    """Pass on what a page sends, but for the calls of one method of the hub."""
    server = socket.connect_to_server()
    socket.on_message(lambda message: None if f'"{target}"' in str(message) else server.send(message))


class Looks:
    """Look at a page as axe does, and keep a picture of it in test-results/."""

    async def check(self, page: Page, name: str) -> None:
        # A drawer that is still sliding has colours that it will not keep.
        await page.evaluate("Promise.all(document.getAnimations().map((one) => one.finished))")
        PICTURES.mkdir(exist_ok=True)
        await page.screenshot(path=PICTURES / f"{name}.png")
        await page.evaluate(AXE.read_text(encoding="utf-8"))
        found = await page.evaluate("axe.run()")
        assert [
            f"{one['id']}: {[node['html'] for node in one['nodes']]}" for one in found["violations"]
        ] == []
        assert page.viewport_size is not None
        assert await page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]

    async def wrapped_times(self, page: Page) -> int:
        """Return how many times of day take more than one line."""
        count = (
            "[...document.querySelectorAll('time')].filter((one) => one.getClientRects().length > 1).length"
        )
        return int(await page.evaluate(count))

    async def small_targets(self, page: Page, *more: str) -> list[str]:
        """Return the controls that are shown and smaller than a fingertip, which takes 44 pixels."""
        selectors = ("button", "select", "textarea", "input:not([type=checkbox])", *more)
        return list(
            await page.evaluate(
                """(selectors) =>
                [...document.querySelectorAll(selectors)]
                  .filter((one) => one.checkVisibility({ checkVisibilityCSS: true }))
                  .filter((one) => one.offsetHeight < 44)
                  .map((one) => one.outerHTML)
                """,
                ", ".join(selectors),
            )
        )


@pytest.fixture
def looks() -> Looks:
    """Return what looks at pages."""
    return Looks()
