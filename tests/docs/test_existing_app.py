"""docs/existing-app.md does what it says: hubs and blueprints of the library run on a plain FunctionApp."""

import json
import re
import tomllib
from typing import Any

import azure.functions as func
import pytest

from signalr_local.emulator import DEFAULT_ACCESS_KEY
from tests.docs.pages import ROOT, Page

PAGE = Page("docs/existing-app.md")
FILES = {block.name: block.text.partition("\n")[2] for block in PAGE.blocks if block.name}

in_one_loop = pytest.mark.asyncio(loop_scope="module")


@in_one_loop
async def test_hub_and_blueprint_run_on_a_plain_app(start_app: Any) -> None:
    app = await start_app({name: FILES[name] for name in ("function_app.py", "news.py")})
    assert not app.instance.table.errors
    ann = await app.connect("user=ann")
    await ann.invoke("say", "hello")
    assert await ann.next() == ("newMessage", [{"sender": "ann", "text": "hello"}])
    assert await app.request("GET", "hello") == (200, "hello")


def test_typed_decorator_on_a_plain_app_is_the_error_that_the_page_quotes() -> None:
    [quote] = [code for code in PAGE.code if "has no attribute" in code]
    with pytest.raises(AttributeError, match=re.escape(quote)):
        func.FunctionApp().signalr_trigger()  # type: ignore[attr-defined]
    with pytest.raises(AttributeError):
        func.FunctionApp().add_signalr_upstream()  # type: ignore[attr-defined]


def test_settings_name_the_emulator() -> None:
    values = json.loads(FILES["local.settings.json"])["Values"]
    assert f"Port=8888;AccessKey={DEFAULT_ACCESS_KEY};" in values["AzureSignalRConnectionString"]


def test_wheel_of_the_requirements_is_the_one_that_is_built() -> None:
    version = re.findall(r'^version = "(.*)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)[0]
    line = FILES["requirements.txt"].splitlines()[-1]
    assert line == f"./wheels/serverless_signalr-{version}-py3-none-any.whl"


def test_extras_are_those_of_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    [line] = [line for line in PAGE.text.splitlines() if line.startswith("`serverless-signalr` has extras")]
    assert set(re.findall(r"`(\w+)`", line)) == set(project["optional-dependencies"])
