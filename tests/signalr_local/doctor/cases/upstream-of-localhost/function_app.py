import azure.functions as func

app = func.FunctionApp()

for number in range(9):

    @app.function_name(f"method{number}")
    @app.generic_trigger(
        "invocation", type="signalRTrigger", hub_name="h1", category="messages", event=f"method{number}"
    )
    def method(invocation: str) -> str:
        return invocation
