#!/bin/sh
# Examine the deployed app, with a round trip through Azure. Changes nothing.
#
#   doctor.sh [options of signalr-local doctor]
#
# Needs the role Website Contributor on the function app, and Reader on the resource group.

set -eu
cd "$(dirname "$0")"
# shellcheck source=infra/scripts/azure.sh
. ./azure.sh

case ${1:-} in
  -h | --help)
    echo "usage: doctor.sh [options of signalr-local doctor]" >&2
    exit 2
    ;;
esac
need AZURE_SUBSCRIPTION_ID AZURE_RESOURCE_GROUP SERVICE_API_NAME
need_subscription
cd ../..
python=
for candidate in "${PYTHON:-}" .venv/bin/python .venv/Scripts/python.exe; do
  if [ -n "$candidate" ] && command -v "$candidate" >/dev/null; then
    python=$candidate
    break
  fi
done
[ -n "$python" ] || fail "There is no virtual environment in .venv. Run: make local-packages"
"$python" -m signalr_local doctor --azure "$SERVICE_API_NAME" --resource-group "$AZURE_RESOURCE_GROUP" \
  --subscription "$AZURE_SUBSCRIPTION_ID" "$@"
