"""A function app that streams a language model's answers to users and groups.

Users can resume an answer after a reload and stop it from any device.
"""

from pathlib import Path

import azure.functions as func
from assistant import Assistant, store

from serverless_signalr import AnswerExistsError, FunctionApp, HubException, add_answers, platform_user

_HERE = Path(__file__).parent
_BUILT = Path("web", "dist", "answers.html")
# A package of the app holds its page; in the repository the page is in the root.
PAGE = next((each / _BUILT for each in (_HERE, *_HERE.parents[:2]) if (each / _BUILT).is_file()), _BUILT)

assistant = Assistant()
assistant.add_negotiate()
add_answers(assistant, store, may_resume=assistant.may_resume)
bp = assistant.blueprint


@bp.route("questions", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
async def questions(req: func.HttpRequest) -> func.HttpResponse:
    """Answer a question: ``{"id": …, "question": …, "group": …}``.

    The page does not wait for the response. This is not a hub method, because a hub method would block
    the connection's other calls, including ``cancelAnswer``, until the end of the answer.
    """
    try:
        user = platform_user(req)
        asked = req.get_json()
        answer_id, question, group = (str(asked.get(name, "")) for name in ("id", "question", "group"))
    except (PermissionError, ValueError, AttributeError):
        return func.HttpResponse("Send your question as JSON.", status_code=400)
    if user is None or user.id is None:
        return func.HttpResponse("Sign in first.", status_code=401)
    try:
        await assistant.answer(user.id, answer_id, question, group)
    except AnswerExistsError:
        return func.HttpResponse("There is an answer with this id already.", status_code=409)
    except (HubException, ValueError) as error:
        return func.HttpResponse(str(error), status_code=400)
    return func.HttpResponse(status_code=204)


@bp.route("index", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def index(req: func.HttpRequest) -> func.HttpResponse:
    """Return the page."""
    return func.HttpResponse(PAGE.read_bytes(), mimetype="text/html", headers={"Cache-Control": "no-cache"})


app = FunctionApp()
app.register_functions(assistant)
