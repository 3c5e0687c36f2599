
import azure.functions as func

app = func.FunctionApp()


@app.route("negotiate", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@app.generic_input_binding("connection", type="signalRConnectionInfo", hub_name="h1")
def negotiate(req: func.HttpRequest, connection: str) -> func.HttpResponse:
    return func.HttpResponse(connection, mimetype="application/json")
