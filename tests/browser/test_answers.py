"""Streamed answers in a real browser, and what may break in between."""

import os
import shutil
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from playwright.async_api import Browser, Locator, Page, WebSocketRoute, expect

from tests.browser.conftest import Looks, Stack, free_port
from tests.e2e.test_answers import EXAMPLE, whole
from tests.serverless_signalr._answers.azurite import Azurite

HTML = '<img src=x onerror="document.title=1"> <script>document.title = 2</script>'


class AnswersStack(Stack):
    """Run the example, with answers in a table so that they outlive the worker."""

    launch: Any
    environment: dict[str, str]

    def start(self) -> None:
        settings = self.folder / "local.settings.json"
        settings.write_text(settings.read_text().replace("Port=8888", f"Port={self.emulator_port}"))
        self._host = self.launch(
            "host", "--app", str(self.folder), "--port", "0", environment=self.environment
        )
        self.page = self._host.wait_for(r"Open (http://\S+/index)")[1]
        self.start_emulator()


@pytest.fixture(scope="module")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    azurite = Azurite(tmp_path_factory.mktemp("azurite"))
    yield azurite
    azurite.stop()


@pytest.fixture(scope="module")
def run(
    launch: Any, azurite: Azurite, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], AnswersStack]]:
    """Run the example with so many seconds between the words of an answer."""
    stacks: list[AnswersStack] = []

    def start(pause: str) -> AnswersStack:
        stack = AnswersStack(launch, _folder(azurite, tmp_path_factory.mktemp("answers")), free_port())
        stack.environment = {"ANSWERS_IN_TABLE": "1", "OPENAI_API_KEY": "", "BUILT_IN_PAUSE": pause}
        stack.start()
        stacks.append(stack)
        return stack

    yield start
    for stack in stacks:
        stack.stop()


@pytest.fixture(scope="module")
def example(run: Callable[[str], AnswersStack]) -> AnswersStack:
    return run("0.06")


@pytest.fixture(scope="module")
def slow(run: Callable[[str], AnswersStack]) -> AnswersStack:
    """Run the example so slowly that its answers do not end by themselves, however slow this machine is."""
    return run("2")


def _folder(azurite: Azurite, parent: Path) -> Path:
    folder = parent / "app"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__", "local.settings.json"))
    shutil.copy(folder / "local.settings.json.example", folder / "local.settings.json")
    (folder / "web" / "dist").mkdir(parents=True)
    shutil.copy(EXAMPLE.parents[1] / "web" / "dist" / "answers.html", folder / "web" / "dist")
    settings = folder / "local.settings.json"
    storage = f'"AzureWebJobsStorage": "{azurite.connection_string}"'
    settings.write_text(settings.read_text().replace('"AzureWebJobsStorage": ""', storage))
    return folder


class AnswersPage:
    """Use the page as a person does."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    async def is_connected(self) -> None:
        await expect(self.page.get_by_role("status")).to_have_attribute("data-state", "connected")

    async def ask(self, question: str) -> Locator:
        field = self.page.get_by_label("Your question")
        await field.fill(question)
        await field.press("Enter")
        return self.answer(question)

    def answer(self, question: str) -> Locator:
        return self.page.get_by_role("article").filter(has=self.page.get_by_role("heading", name=question))

    async def has_begun(self, answer: Locator) -> None:
        await expect(answer.locator(".text")).not_to_be_empty()

    async def ends(self, answer: Locator, state: str) -> str:
        # A process that was killed is missed after most of a minute.
        await expect(answer).to_have_attribute("data-state", state, timeout=120_000)
        return await answer.get_attribute("data-raw") or ""


type Visit = Callable[..., Any]


@pytest.fixture
async def visit(browser: Browser, example: AnswersStack) -> AsyncIterator[Visit]:
    """Open the page as a user, in a window of its own."""
    visited: list[AnswersPage] = []

    async def open_page(user: str, at: AnswersStack = example, **options: Any) -> AnswersPage:
        context = await browser.new_context(locale="en-US", **options)
        context.set_default_timeout(30_000)
        page = AnswersPage(await context.new_page())
        visited.append(page)
        await page.page.goto(f"{at.page}?user={user}")
        await page.is_connected()
        return page

    expect.set_options(timeout=60_000)
    yield open_page
    for page in visited:
        await page.page.context.close()
    assert [error for page in visited for error in page.errors] == []


@pytest.fixture
def user() -> str:
    return f"ann-{uuid4().hex[:8]}"


async def test_answer_is_shown_while_it_is_streamed(visit: Visit, user: str, slow: AnswersStack) -> None:
    page = await visit(user, slow)
    answer = await page.ask("tea?")
    await page.has_begun(answer)
    await expect(answer).to_have_attribute("data-state", "streaming")


async def test_answer_is_shown_letter_by_letter(visit: Visit, user: str) -> None:
    page = await visit(user)
    answer = await page.ask("tea?")
    assert await page.ends(answer, "done") == whole("tea?")
    await expect(answer.locator("pre")).to_contain_text("await answer.write(text)")
    await expect(page.page.get_by_text("No model is set up: ")).to_be_visible()


async def test_html_in_an_answer_stays_text(visit: Visit, user: str) -> None:
    page = await visit(user)
    await page.ask(HTML)
    answer = page.page.get_by_role("article")
    assert await page.ends(answer, "done") == whole(HTML)
    await expect(answer.locator(".text")).to_contain_text("onerror=")
    assert await answer.locator(".text img, .text script").count() == 0
    assert await page.page.title() == "Answers"


async def test_dangerous_markdown_makes_no_link_and_fetches_nothing(visit: Visit, user: str) -> None:
    page = await visit(user)
    asked: list[str] = []
    page.page.on("request", lambda request: asked.append(request.url))
    await page.ask(
        "[a](javascript:alert(1)) ![b](https://evil.example/x) [c](data:text/html,x) <https://ok.example>"
    )
    answer = page.page.get_by_role("article")
    await page.ends(answer, "done")
    links = await answer.locator(".text a").evaluate_all(
        "links => links.map((link) => link.getAttribute('href'))"
    )
    assert links == ["https://ok.example"]
    assert not [url for url in asked if "evil" in url]


async def test_stop_ends_the_answer(visit: Visit, user: str, slow: AnswersStack) -> None:
    page = await visit(user, slow)
    answer = await page.ask("tea?")
    await page.has_begun(answer)
    await answer.get_by_role("button", name="Stop").click()
    text = await page.ends(answer, "cancelled")
    assert whole("tea?").startswith(text)
    assert text != whole("tea?")
    await expect(answer).to_contain_text("Stopped.")


async def test_reload_in_the_middle_loses_no_letter(visit: Visit, user: str) -> None:
    page = await visit(user)
    await page.has_begun(await page.ask("tea?"))
    await page.page.reload()
    answer = page.answer("tea?")
    await page.has_begun(answer)
    assert await page.ends(answer, "done") == whole("tea?")


async def test_reloaded_page_names_its_question_before_the_app_answers_anything(
    visit: Visit, user: str, slow: AnswersStack
) -> None:
    page = await visit(user, slow)
    await page.has_begun(await page.ask("tea?"))

    def relay(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()
        # The app gets no call of the reloaded page, so what comes first is a live piece of the answer.
        socket.on_message(lambda message: None if '"invocationId"' in str(message) else server.send(message))

    await page.page.route_web_socket("**/client/**", relay)
    await page.page.reload()
    await expect(page.answer("tea?")).to_be_visible()
    await expect(page.page.get_by_role("article")).to_have_count(1)


async def test_second_device_follows_and_stops_the_answer(
    visit: Visit, user: str, slow: AnswersStack
) -> None:
    first = await visit(user, slow)
    answer = await first.ask("tea?")
    await first.has_begun(answer)
    second = await visit(user, slow)
    same = second.page.get_by_role("article")
    await second.has_begun(same)
    await same.get_by_role("button", name="Stop").click()
    text = await second.ends(same, "cancelled")
    assert await first.ends(answer, "cancelled") == text
    assert whole("tea?").startswith(text)


async def test_two_users_see_nothing_of_each_other(visit: Visit, user: str) -> None:
    ann, eve = await visit(user), await visit(f"eve-{user}")
    hers = await ann.ask("tea?")
    await ann.has_begun(hers)
    answer_id = await hers.get_attribute("data-id")
    # Eve has found out the id, and her page asks for it.
    await eve.page.evaluate(
        "(id) => sessionStorage.setItem('answers', JSON.stringify([{ id, question: 'stolen' }]))", answer_id
    )
    await eve.page.reload()
    await eve.is_connected()
    await eve.answer("stolen").get_by_role("button", name="Stop").click()
    assert await ann.ends(hers, "done") == whole("tea?")
    assert await eve.answer("stolen").get_attribute("data-raw") is None


async def test_answer_survives_a_restart_of_the_service(
    visit: Visit, user: str, example: AnswersStack
) -> None:
    page = await visit(user)
    answer = await page.ask("tea?")
    await page.has_begun(answer)
    example.stop_emulator()
    example.start_emulator()
    assert await page.ends(answer, "done") == whole("tea?")


async def test_killed_worker_ends_the_answer_with_an_error_and_keeps_the_text(
    visit: Visit, user: str, slow: AnswersStack
) -> None:
    page = await visit(user, slow)
    answer = await page.ask("tea?")
    await page.has_begun(answer)
    os.kill(_worker_of(slow), signal.SIGKILL)
    text = await page.ends(answer, "error")
    assert text
    assert whole("tea?").startswith(text)
    await expect(answer).to_contain_text("The answer was interrupted on the server.")


def _worker_of(example: AnswersStack) -> int:
    """Return the process of the app, a child of the host."""
    host = example._host.process.pid
    children = Path(f"/proc/{host}/task/{host}/children").read_text().split()
    # The other one is a shell that ends the worker with the host.
    [worker] = [each for each in children if b"python" in Path(f"/proc/{each}/cmdline").read_bytes()]
    return int(worker)


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_page_is_accessible(visit: Visit, user: str, looks: Looks, scheme: str) -> None:
    page = await visit(user, color_scheme=scheme, viewport={"width": 390, "height": 800})
    answer = await page.ask("tea?")
    await page.ends(answer, "done")
    await looks.check(page.page, f"answers-{scheme}")
    assert await looks.small_targets(page.page) == []
