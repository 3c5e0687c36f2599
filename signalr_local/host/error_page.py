"""The answer to every request while the app is broken: a page for a browser, a problem for a program."""

import html
import json
import re
from http import HTTPStatus
from pathlib import Path

from aiohttp import hdrs, web

from signalr_local.host.failures import AppError, Place

__all__ = ["reason", "response"]

_AROUND = 5
"""Lines of code that are shown before and after the one that failed."""

_KEY = re.compile(r"AccessKey=[^;\s]+", re.IGNORECASE)

_HEADERS = {hdrs.CACHE_CONTROL: "no-store", hdrs.RETRY_AFTER: "1"}

_PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>The app could not be loaded</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 1rem/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }}
pre {{ font: .875rem/1.5 ui-monospace, monospace; overflow-x: auto; padding: 1rem; background: #8882; }}
mark {{ background: #f443; color: inherit; display: inline-block; min-width: 100%; }}
</style>
<h1>The app could not be loaded</h1>
<p role="alert"><strong>{reason}</strong></p>
{code}
<p>{more} This page comes back as soon as the app is loaded again.</p>
<script>
async function look() {{
  try {{
    const status = await (await fetch("/admin/host/status", {{ cache: "no-store" }})).json();
    if (status.state === "Running" || (status.errors || [])[0] !== {shown}) {{
      location.reload();
      return;
    }}
  }} catch {{
    // The runtime is being started again.
  }}
  setTimeout(look, 500);
}}
setTimeout(look, 500);
</script>
"""


def reason(problem: Exception) -> str:
    """Return in one line why the app was not loaded, without a traceback and without a key."""
    lines = str(problem).strip().splitlines() or [type(problem).__name__]
    # A SyntaxError quotes the code above its last line; a group lists its exceptions below its first.
    text = lines[0]
    if isinstance(problem, AppError) and problem.place and "line" not in text:
        text = f"{text} ({Path(problem.place.file).name}, line {problem.place.line})"
    return _KEY.sub("AccessKey=…", text)


def response(request: web.BaseRequest, app: Path, problem: Exception | None) -> web.Response:
    """Answer a request that the app, being broken, cannot answer."""
    status = HTTPStatus.SERVICE_UNAVAILABLE
    text = reason(problem or AppError("it is being loaded"))
    if request.method in (hdrs.METH_GET, hdrs.METH_HEAD) and "text/html" in request.headers.get(
        hdrs.ACCEPT, ""
    ):
        place = getattr(problem, "place", None)
        page = _PAGE.format(
            reason=html.escape(text),
            code="" if place is None else _code(app, place),
            more=_more(problem),
            # "</script>" would end the script.
            shown=json.dumps(text).replace("<", "\\u003c"),
        )
        return web.Response(status=status, text=page, content_type="text/html", headers=_HEADERS)
    detail = {
        "title": status.phrase,
        "status": status.value,
        "detail": f"The app could not be loaded: {text.rstrip('.')}. {_more(problem)}",
    }
    return web.Response(
        status=status,
        text=json.dumps(detail, ensure_ascii=False),
        content_type="application/problem+json",
        headers=_HEADERS,
    )


def _more(problem: Exception | None) -> str:
    what = "The traceback is" if getattr(problem, "stack", "") else "More is"
    return f"{what} in the log of the local runtime."


def _code(app: Path, place: Place) -> str:
    """Return the lines around the one that failed, as HTML."""
    path = Path(place.file)
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        name = path.relative_to(app)
    except (OSError, ValueError):
        return ""
    first = max(place.line - 1 - _AROUND, 0)
    shown = []
    for number, line in enumerate(lines[first : place.line + _AROUND], start=first + 1):
        text = html.escape(_KEY.sub("AccessKey=…", f"{number:5}  {line}"))
        shown.append(f"<mark>{text}</mark>" if number == place.line else text)
    return f"<p>{html.escape(str(name))}, line {place.line}:</p>\n<pre>{'\n'.join(shown)}</pre>"
