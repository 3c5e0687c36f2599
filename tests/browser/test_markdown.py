"""Markdown on the page of examples/answers: whatever a model writes becomes harmless elements."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page

WEB = Path(__file__).parents[2] / "web"

ELEMENTS = {
    "A",
    "BLOCKQUOTE",
    "BR",
    "CODE",
    "DEL",
    "EM",
    "H3",
    "H4",
    "H5",
    "H6",
    "HR",
    "LI",
    "OL",
    "P",
    "PRE",
    "STRONG",
    "TABLE",
    "TBODY",
    "TD",
    "TH",
    "THEAD",
    "TR",
    "UL",
}
ATTRIBUTES = {"href", "rel", "target", "start", "tabindex"}
SCHEMES = {"http:", "https:", "mailto:"}

CORPUS: list[str] = json.loads(Path(__file__).with_name("hostile_markdown.json").read_text(encoding="utf-8"))

SCRIPT = """
texts => texts.map((text) => {
  document.body.replaceChildren(answers.rendered(text));
  const elements = [...document.body.querySelectorAll("*")];
  return {
    elements: elements.map((each) => each.tagName),
    attributes: elements.flatMap((each) => each.getAttributeNames()),
    links: [...document.links].map((each) => [each.protocol, each.rel, each.target]),
    text: document.body.textContent,
  };
})
"""


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """Return an empty page with the function that shows Markdown, and no policy that would stop scripts."""
    process = await asyncio.create_subprocess_exec(
        str(WEB / "node_modules" / ".bin" / "esbuild"),
        str(WEB / "src" / "assistant" / "markdown.ts"),
        *("--bundle", "--format=iife", "--global-name=answers"),
        stdout=asyncio.subprocess.PIPE,
    )
    built = (await process.communicate())[0].decode()
    assert process.returncode == 0
    context = await browser.new_context()
    page = await context.new_page()
    await page.add_script_tag(content=f"window.pwned = 0; window.alert = () => {{ pwned = 1 }}; {built}")
    await page.evaluate("script => (0, eval)(script)", f"var answers; {built}; window.answers = answers")
    yield page
    await context.close()


async def shown(page: Page, texts: list[str]) -> list[dict[str, Any]]:
    """Show texts one after the other, and return what they have become."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    found: list[dict[str, Any]] = await page.evaluate(SCRIPT, texts)
    await page.evaluate("new Promise((resolve) => setTimeout(resolve))")
    assert await page.evaluate("pwned") == 0
    assert asked == []
    return found


def check_harmless(found: dict[str, Any]) -> None:
    assert set(found["elements"]) <= ELEMENTS
    assert set(found["attributes"]) <= ATTRIBUTES
    assert {scheme for scheme, _, _ in found["links"]} <= SCHEMES
    assert {(rel, target) for _, rel, target in found["links"]} <= {
        ("noopener noreferrer nofollow", "_blank")
    }


async def test_hostile_text_makes_nothing_but_harmless_elements(page: Page) -> None:
    for text, found in zip(CORPUS, await shown(page, CORPUS), strict=True):
        try:
            check_harmless(found)
        except AssertionError as error:
            raise AssertionError(text) from error


async def test_parts_of_hostile_texts_put_together_at_random_are_harmless(page: Page) -> None:
    chance = random.Random(22)
    parts = [
        *CORPUS,
        "[",
        "](",
        ")",
        "<",
        ">",
        '"',
        "\n",
        "\n\n",
        "`",
        "```\n",
        "*",
        "_",
        "~~",
        "|",
        "![",
        "&",
        "\\",
    ]
    texts = []
    for _ in range(1500):
        mixed = "".join(chance.choices(parts, k=chance.randint(2, 8)))
        # A text that is streamed is shown cut off anywhere.
        texts.append(mixed[: chance.randint(1, len(mixed))])
    for text, found in zip(texts, await shown(page, texts), strict=True):
        try:
            check_harmless(found)
        except AssertionError as error:
            raise AssertionError(text) from error


async def test_html_is_shown_as_it_is_written(page: Page) -> None:
    texts = ["<b>bold</b>", "<script>x</script>", "a <i>b</i> c", "<!-- comment -->"]
    assert [found["text"] for found in await shown(page, texts)] == texts


async def test_markdown_becomes_its_elements(page: Page) -> None:
    expected = {
        "**a**": "STRONG",
        "*a*": "EM",
        "~~a~~": "DEL",
        "`a`": "CODE",
        "# a": "H3",
        "> a": "BLOCKQUOTE",
        "- a": "UL",
        "1. a": "OL",
        "---": "HR",
        "|a|\n|-|\n|b|": "TABLE",
        "[a](https://ok.example)": "A",
        "<https://ok.example>": "A",
    }
    shown_as = await shown(page, list(expected))
    missing = [
        text
        for text, found in zip(expected, shown_as, strict=True)
        if expected[text] not in found["elements"]
    ]
    assert missing == []


async def test_characters_are_those_that_markdown_means(page: Page) -> None:
    expected = {
        "&amp; &lt; &copy; &#39; &#x1F600; &nosuch;": "& < \u00a9 ' \U0001f600 &nosuch;",
        "`&amp;`": "&amp;",
        "5 < 6 & 7 > 2": "5 < 6 & 7 > 2",
        "\\*no\\*": "*no*",
        "[a](https://ok.example/?a=1&amp;b=2)": "a",
    }
    shown_as = await shown(page, list(expected))
    assert [found["text"].strip() for found in shown_as] == list(expected.values())
