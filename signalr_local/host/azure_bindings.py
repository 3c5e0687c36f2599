"""The types of bindings that Azure and ``func start`` know, and the local runtime does not.

Source: the extensions of the bundle 4.x, https://github.com/Azure/azure-functions-extension-bundles.
"""

__all__ = ["is_of_azure_only"]

_TYPES = frozenset(
    name.lower()
    for name in (
        *("activityTrigger", "durableClient", "entityTrigger", "orchestrationClient", "orchestrationTrigger"),
        *("assistantCreate", "assistantPost", "assistantQuery", "assistantSkillTrigger", "embeddings"),
        *("embeddingsStore", "semanticSearch", "textCompletion"),
        *("authenticationEventsTrigger", "connectorTrigger", "sendGrid", "twilioSms", "warmupTrigger"),
        *("blob", "blobTrigger", "queue", "queueTrigger", "table"),
        *("cosmosDB", "cosmosDBTrigger", "kusto", "mysql", "mysqlTrigger", "sql", "sqlTrigger"),
        *("daprBinding", "daprBindingTrigger", "daprInvoke", "daprPublish", "daprSecret"),
        *("daprServiceInvocationTrigger", "daprState", "daprTopicTrigger"),
        *("eventGrid", "eventGridTrigger", "eventHub", "eventHubTrigger", "kafka", "kafkaTrigger"),
        *("rabbitMQ", "rabbitMQTrigger", "serviceBus", "serviceBusTrigger"),
        *("mcpPromptTrigger", "mcpResourceTrigger", "mcpToolProperty", "mcpToolTrigger"),
        *("redis", "redisListTrigger", "redisPubSubTrigger", "redisStreamTrigger"),
        *("socketIO", "socketIONegotiation", "socketIOTrigger", "webPubSub", "webPubSubConnection"),
        *("webPubSubContext", "webPubSubTrigger"),
    )
)


def is_of_azure_only(binding_type: str) -> bool:
    """Tell whether a binding type, in any case, runs in Azure and with ``func start`` only."""
    return binding_type.lower() in _TYPES
