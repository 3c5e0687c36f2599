#!/bin/sh
# Before provisioning (azd hook): refuse parameters that exclude each other, and find out whether the
# Functions host has its key for SignalR triggers, which the template reads only where it exists.

set -eu
cd "$(dirname "$0")"
# shellcheck source=infra/scripts/azure.sh
. ./azure.sh

[ $# = 0 ] || fail "usage: preprovision.sh"
upstream=${SIGNALR_UPSTREAM:-webhook}
patience=${HOST_PATIENCE:-60}

if [ "$upstream" = http ] && is_on "${USE_MANAGED_IDENTITY:-}"; then
  fail "SIGNALR_UPSTREAM=http and USE_MANAGED_IDENTITY=true exclude each other: the HTTP upstream checks a signature that is made with the access key, and there is none. Set one of them back: azd env set SIGNALR_UPSTREAM webhook"
fi
sku=${SIGNALR_SKU:-Free_F1}
units=${SIGNALR_UNITS:-1}
if [ "$sku" = Free_F1 ]; then
  ! is_on "${VNET_ENABLED:-}" ||
    fail "SIGNALR_SKU=Free_F1 has no private endpoint. Choose another tier, or: azd env set VNET_ENABLED false"
  [ "$units" = 1 ] ||
    fail "SIGNALR_SKU=Free_F1 has exactly one unit. Choose another tier, azd env set SIGNALR_SKU Standard_S1, or: azd env set SIGNALR_UNITS 1"
fi
if [ "$sku" = Premium_P2 ] && [ "${#units}" -lt 3 ]; then
  fail "SIGNALR_SKU=Premium_P2 starts at 100 units: azd env set SIGNALR_UNITS 100"
fi
if is_on "${ZONE_REDUNDANT:-}" && [ "${ALWAYS_READY_INSTANCES:-0}" = 1 ]; then
  fail "With ZONE_REDUNDANT=true there are no or at least two always-ready instances: azd env set ALWAYS_READY_INSTANCES 2"
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
  # Only in there: another team may have an environment of this name.
  group=rg-$AZURE_ENV_NAME
  if ! ask resource list --resource-group "$group" --resource-type Microsoft.Web/sites \
    --query "[?tags.\"azd-service-name\"=='api'].name | [0]" --output tsv; then
    is_missing || give_up "The resources of the resource group $group cannot be listed" Reader
    answer=
  fi
  app=$answer
  if [ -n "$app" ]; then
    if wait_until ask_key "$group" "$app"; then
      [ -z "$answer" ] || exists=true
    else
      say "The function app $app does not answer; if it does not after provisioning either, events stop until it is deployed again: azd deploy"
    fi
  fi
fi

if [ "${SIGNALR_EXTENSION_KEY_EXISTS:-false}" != "$exists" ]; then
  azd env set SIGNALR_EXTENSION_KEY_EXISTS "$exists"
fi
