"""Streamed answers of a language model: resumed after a reload, stopped from any device, asked in a group."""

from pathlib import Path

import azure.functions as func
from assistant import Assistant, store

from serverless_signalr import FunctionApp, add_answers

PAGE = Path(__file__).parents[2] / "web" / "dist" / "answers.html"

assistant = Assistant()
assistant.add_negotiate()
add_answers(assistant, store, may_resume=assistant.may_resume)
bp = assistant.blueprint


@bp.route("index", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def index(req: func.HttpRequest) -> func.HttpResponse:
    """Answer with the page."""
    return func.HttpResponse(PAGE.read_bytes(), mimetype="text/html", headers={"Cache-Control": "no-cache"})


app = FunctionApp()
app.register_functions(assistant)
