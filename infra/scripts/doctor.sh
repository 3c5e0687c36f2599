#!/bin/sh
# Examine the deployed app: fetch with the Azure CLI what the doctor reads, then run it. Changes nothing.
#
#   doctor.sh [--app FOLDER]
#
# Needs the role Website Contributor on the function app, and Reader on the resource group. What was fetched
# is removed in the end.

set -eu
cd "$(dirname "$0")"
# shellcheck source=infra/scripts/azure.sh
. ./azure.sh

need AZURE_SUBSCRIPTION_ID AZURE_RESOURCE_GROUP SERVICE_API_NAME SERVICE_API_IDENTITY_PRINCIPAL_ID SIGNALR_NAME
need_subscription
cd ../..
python=${PYTHON:-.venv/bin/python}
command -v "$python" >/dev/null || fail "$python is missing. Run: make test-packages"

# Put what az answers into a file of its own.
fetch() {
  file=$work/$1.json problem=$2 role=$3
  shift 3
  ask "$@" --output json || give_up "$problem cannot be read" "$role"
  printf '%s\n' "$answer" >"$file"
}

fetch settings "The settings of the function app $SERVICE_API_NAME" "Website Contributor" \
  functionapp config appsettings list --resource-group "$AZURE_RESOURCE_GROUP" --name "$SERVICE_API_NAME"
fetch cors "CORS of the function app $SERVICE_API_NAME" Reader \
  functionapp cors show --resource-group "$AZURE_RESOURCE_GROUP" --name "$SERVICE_API_NAME"
fetch service "The SignalR Service $SIGNALR_NAME" Reader \
  signalr show --resource-group "$AZURE_RESOURCE_GROUP" --name "$SIGNALR_NAME"
fetch roles "The roles of the app's identity" Reader \
  role assignment list --all --assignee "$SERVICE_API_IDENTITY_PRINCIPAL_ID"
"$python" -m signalr_local doctor --settings "$work/settings.json" --cors "$work/cors.json" \
  --service "$work/service.json" --roles "$work/roles.json" "$@"
