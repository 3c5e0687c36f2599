#!/bin/sh
# Before provisioning (azd hook): refuse parameters that exclude each other, and find out whether the
# Functions host has its key for SignalR triggers, which the template reads only where it exists.

set -eu
cd "$(dirname "$0")"
# shellcheck source=infra/scripts/azure.sh
. ./azure.sh

upstream=${SIGNALR_UPSTREAM:-webhook}
patience=${HOST_PATIENCE:-60}

if [ "$upstream" = http ] && [ "${USE_MANAGED_IDENTITY:-false}" = true ]; then
  fail "SIGNALR_UPSTREAM=http and USE_MANAGED_IDENTITY=true exclude each other: the HTTP upstream checks a signature that is made with the access key, and there is none. Set one of them back: azd env set SIGNALR_UPSTREAM webhook"
fi
if [ "${SIGNALR_SKU:-}" = Free_F1 ]; then
  [ "${VNET_ENABLED:-false}" = false ] ||
    fail "SIGNALR_SKU=Free_F1 has no private endpoint. Choose another tier, or: azd env set VNET_ENABLED false"
  [ "${SIGNALR_UNITS:-1}" = 1 ] ||
    fail "SIGNALR_SKU=Free_F1 has exactly one unit: azd env set SIGNALR_UNITS 1"
fi
case ${ALLOWED_ORIGINS:-} in
  *'*'*) fail "ALLOWED_ORIGINS has a wildcard. Requests carry credentials, so every origin must be named: https://app.example.com,https://www.example.com" ;;
esac

[ "$upstream" = webhook ] || exit 0
need_az
need AZURE_ENV_NAME

exists=false
# Before the very first provisioning azd has not asked for the subscription yet: there is no app.
if [ -n "${AZURE_SUBSCRIPTION_ID:-}" ]; then
  need_subscription
  ask resource list --tag "azd-env-name=$AZURE_ENV_NAME" \
    --query "[?type=='Microsoft.Web/sites'].join(' ', [resourceGroup, name]) | [0]" --output tsv ||
    give_up "The resources of the environment $AZURE_ENV_NAME cannot be listed"
  if [ -n "$answer" ]; then
    app=${answer#* }
    if wait_until ask_key "${answer% *}" "$app"; then
      [ -z "$answer" ] || exists=true
    else
      say "The function app $app does not answer; events stop until it is deployed again: azd deploy"
    fi
  fi
fi

if [ "${SIGNALR_EXTENSION_KEY_EXISTS:-false}" != "$exists" ]; then
  azd env set SIGNALR_EXTENSION_KEY_EXISTS "$exists"
fi
