import json

import azure.functions as func

app = func.FunctionApp()


@app.route("negotiate", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@app.generic_input_binding("connection", type="signalRConnectionInfo", hub_name="h1")
def negotiate(req: func.HttpRequest, connection: str) -> func.HttpResponse:
    return func.HttpResponse(connection, mimetype="application/json")


@app.timer_trigger(schedule="*/5 * * * * *", arg_name="timer")
@app.generic_output_binding("out", type="signalR", hub_name="h1")
def tick(timer: func.TimerRequest, out: func.Out[str]) -> None:
    out.set(json.dumps({"target": "m", "arguments": ["tick"]}))


@app.queue_trigger(arg_name="message", queue_name="orders", connection="AzureWebJobsStorage")
@app.generic_output_binding("out", type="signalR", hub_name="h1")
def order(message: func.QueueMessage, out: func.Out[str]) -> None:
    out.set(json.dumps({"target": "m", "arguments": []}))


@app.generic_trigger("context", type="orchestrationTrigger")
def orchestrate(context):
    pass


@app.generic_trigger("item", type="activityTrigger")
def act(item):
    return item


@app.route("start", methods=["POST"])
@app.generic_input_binding("client", type="durableClient")
def start(req: func.HttpRequest, client) -> str:
    return ""
