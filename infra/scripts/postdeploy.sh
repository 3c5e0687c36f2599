#!/bin/sh
# After a deployment (azd hook): tell the SignalR Service where the webhook of the app is. The webhook's
# key exists only once the host has run the app, so the template could not know it the first time.
#
# Changes nothing where the address is right already.

set -eu
cd "$(dirname "$0")"
# shellcheck source=infra/scripts/azure.sh
. ./azure.sh

if [ "${SIGNALR_UPSTREAM:-webhook}" != webhook ]; then
  say "Events go to the HTTP upstream, which needs no key."
  exit 0
fi
need AZURE_SUBSCRIPTION_ID AZURE_RESOURCE_GROUP SERVICE_API_NAME SERVICE_API_HOST SIGNALR_NAME
need_subscription

patience=${HOST_PATIENCE:-300}

has_key() {
  state="does not answer"
  ask_key "$AZURE_RESOURCE_GROUP" "$SERVICE_API_NAME" || return
  state="has no key signalr_extension: it has loaded no function with a SignalR trigger. Look for errors in its log; if the app uses the HTTP upstream, azd env set SIGNALR_UPSTREAM http"
  [ -n "$answer" ]
}

wait_until has_key || give_up "The function app $SERVICE_API_NAME $state"
case $answer in
  *[!A-Za-z0-9_=/-]*) fail "The key signalr_extension has characters that do not belong into a URL. Make a new one: az functionapp keys set --key-type systemKeys --key-name signalr_extension" ;;
esac
url="https://$SERVICE_API_HOST/runtime/webhooks/signalr?code=$answer"
service="/subscriptions/$AZURE_SUBSCRIPTION_ID/resourceGroups/$AZURE_RESOURCE_GROUP/providers/Microsoft.SignalRService/signalR/$SIGNALR_NAME?api-version=2024-03-01"

# Whether the service is at rest and sends events to the right address.
is_told() {
  ask rest --method get --url "$service" --output tsv \
    --query "join(' ', [properties.provisioningState, properties.upstream.templates[0].urlTemplate || ''])" ||
    give_up "The SignalR Service $SIGNALR_NAME cannot be read" "SignalR/Web PubSub Contributor"
  [ "$answer" = "Succeeded $url" ]
}

if is_told; then
  say "The SignalR Service $SIGNALR_NAME sends events to $SERVICE_API_HOST already."
  exit 0
fi

# In a file, not an argument: every process of the machine can read arguments.
cat >"$work/upstream.json" <<BODY
{
  "properties": {
    "upstream": {
      "templates": [
        {
          "hubPattern": "*",
          "categoryPattern": "*",
          "eventPattern": "*",
          "urlTemplate": "$url",
          "auth": { "type": "None" }
        }
      ]
    }
  }
}
BODY
ask rest --method patch --url "$service" --body "@$work/upstream.json" --output none ||
  give_up "The SignalR Service $SIGNALR_NAME cannot be changed" "SignalR/Web PubSub Contributor"
wait_until is_told || fail "The SignalR Service $SIGNALR_NAME did not take over the address of the webhook. Look at it in the portal, under Settings, and run this again."
say "The SignalR Service $SIGNALR_NAME sends events to $SERVICE_API_HOST from now on."
