#!/bin/sh
# After a deployment (azd hook): tell the SignalR Service where the webhook of the app is. The webhook's
# key exists only once the host has run the app, so the template could not know it the first time.
#
#   postdeploy.sh [--if-deployed]
#
# Changes nothing where the address is right already. With --if-deployed, as after provisioning, an app that
# has no key yet is left for the deployment to come.

set -eu
cd "$(dirname "$0")"
# shellcheck source=infra/scripts/azure.sh
. ./azure.sh

upstream=${SIGNALR_UPSTREAM:-webhook}
if_deployed=
case ${1:-} in
  '') ;;
  --if-deployed) if_deployed=yes ;;
  *) fail "usage: postdeploy.sh [--if-deployed]" ;;
esac
# The template has written the address of the HTTP upstream.
if [ -n "$if_deployed" ] && [ "$upstream" != webhook ]; then
  exit 0
fi
need AZURE_SUBSCRIPTION_ID AZURE_RESOURCE_GROUP SERVICE_API_NAME SERVICE_API_HOST SIGNALR_NAME
need_subscription

patience=${HOST_PATIENCE:-300}

# While the role of the app's identity has not spread, the app cannot read the key vault: the host takes the
# text of the reference for the connection string, starts no trigger and makes no key.
await_reference() {
  if ! ask_reference; then
    explain "Whether the function app $SERVICE_API_NAME can read the key vault $AZURE_KEY_VAULT_NAME is not known" "Website Contributor"
    return
  fi
  [ "$answer" != Resolved ] || return 0
  say "The app cannot read the key vault $AZURE_KEY_VAULT_NAME yet: $answer. Waiting."
  wait_until is_resolved ||
    fail "The app setting $secret is not resolved, its state is $state: the function app $SERVICE_API_NAME cannot read the key vault $AZURE_KEY_VAULT_NAME. azd provision --no-state writes the secret, and gives the app's identity the role Key Vault Secrets User, which can take half an hour to spread. Then run: azd hooks run postdeploy"
  # What runs has the text still.
  ask functionapp restart --resource-group "$AZURE_RESOURCE_GROUP" --name "$SERVICE_API_NAME" --output none ||
    give_up "The function app $SERVICE_API_NAME cannot be restarted" "Website Contributor"
}

has_upstream() {
  state="does not answer"
  ask_host "The functions of the function app $SERVICE_API_NAME cannot be listed" \
    functionapp function list --resource-group "$AZURE_RESOURCE_GROUP" --name "$SERVICE_API_NAME" \
    --query "[].config.bindings[] | [?type=='httpTrigger' && route=='upstream'].route | [0]" --output tsv ||
    return
  state="has no HTTP function with the route upstream, and events are sent there. It takes app.add_signalr_upstream(), or a ServerlessHub with upstream_route=\"upstream\"; if the app has neither, azd env set SIGNALR_UPSTREAM webhook, then azd provision"
  [ -n "$answer" ]
}

has_key() {
  state="does not answer"
  ask_key "$AZURE_RESOURCE_GROUP" "$SERVICE_API_NAME" || return
  state="has no key signalr_extension: it has loaded no function with a SignalR trigger. Look for errors in its log; if the app uses the HTTP upstream, azd env set SIGNALR_UPSTREAM http, then azd provision"
  [ -n "$answer" ]
}

if [ -n "$if_deployed" ]; then
  # An app without code may not answer at all; one with code wakes up within this time.
  patience=${HOST_PATIENCE:-30}
  if ! wait_until ask_key "$AZURE_RESOURCE_GROUP" "$SERVICE_API_NAME" || [ -z "$answer" ]; then
    say "The function app $SERVICE_API_NAME has no key for its webhook yet: azd deploy tells the SignalR Service where events go."
    exit 0
  fi
  patience=${HOST_PATIENCE:-300}
else
  [ -z "${AZURE_KEY_VAULT_NAME:-}" ] || await_reference
  if [ "$upstream" != webhook ]; then
    wait_until has_upstream || give_up "The function app $SERVICE_API_NAME $state"
    say "Events go to the HTTP upstream, which needs no key."
    exit 0
  fi
  wait_until has_key || give_up "The function app $SERVICE_API_NAME $state"
fi
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
rm "$work/upstream.json"
wait_until is_told || fail "The SignalR Service $SIGNALR_NAME did not take over the address of the webhook. Look at it in the portal, under Settings, and run this again."
say "The SignalR Service $SIGNALR_NAME sends events to $SERVICE_API_HOST from now on."
