"""The page that a browser shows while the app is broken."""

import json
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, expect

GOOD = """
import azure.functions as func

app = func.FunctionApp()

@app.route("page", methods=["GET"])
def page(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("<h1>WORD</h1>", mimetype="text/html")
"""


def write(app: Path, text: str) -> None:
    app.with_suffix(".new").write_text(text)
    app.with_suffix(".new").replace(app)


async def test_it_shows_the_error_follows_it_and_gives_way_to_the_app(
    launch: Any, browser: Browser, tmp_path: Path
) -> None:
    app = tmp_path / "function_app.py"
    write(app, GOOD.replace("WORD", "one"))
    (tmp_path / "local.settings.json").write_text(json.dumps({"IsEncrypted": False, "Values": {}}))
    runtime = launch("--app", str(tmp_path), "--port", "0", "--emulator-port", "0")
    url = runtime.wait_for(r"(http://\S+/api/page)")[1]
    runtime.wait_for("Ctrl\\+C stops")
    page = await browser.new_page()
    page.set_default_timeout(30_000)
    await page.goto(url)
    heading, alert = page.get_by_role("heading", level=1), page.get_by_role("alert")
    await expect(heading).to_have_text("one")
    write(app, GOOD + "raise LookupError('<b>my own</b>')\n")
    runtime.wait_for("requests get 503 until then")
    await page.reload()
    await expect(alert).to_have_text("LookupError: <b>my own</b> (function_app.py, line 9)", timeout=30_000)
    await expect(page.locator("mark")).to_have_text("    9  raise LookupError('<b>my own</b>')")
    write(app, "def broken(:\n")
    await expect(alert).to_contain_text("SyntaxError: invalid syntax", timeout=30_000)
    write(app, GOOD.replace("WORD", "two"))
    await expect(heading).to_have_text("two", timeout=30_000)
    await page.close()
    assert runtime.stop() == 0
