#!/bin/sh
# After a deployment (azd hook): examine the app, with a round trip through Azure, until it passes.
#
#   smoke-test.sh [options of signalr-local doctor]
#
# New instances and roles take a while, so that it tries again for three minutes; SMOKE_PATIENCE is in seconds.
# SMOKE_TEST=off leaves it out.

set -eu
cd "$(dirname "$0")"
# shellcheck source=infra/scripts/azure.sh
. ./azure.sh

case ${1:-} in
  -h | --help)
    echo "usage: smoke-test.sh [options of signalr-local doctor]" >&2
    exit 2
    ;;
esac
[ "${SMOKE_TEST:-on}" != off ] || exit 0
# Nobody is signed in here.
[ -z "${AUTH_CLIENT_ID:-}" ] || set -- --no-round-trip "$@"
if [ -z "${PYTHON:-}" ]; then
  (cd ../.. && make --no-print-directory local-packages)
fi
# shellcheck disable=SC2034 # wait_until reads it
patience=${SMOKE_PATIENCE:-180}

# Run the doctor, and keep what it says.
passes() {
  result=0
  ./doctor.sh "$@" >"$work/report" 2>&1 || result=$?
  # 2: it could not look, and would not be able to in a minute.
  [ "$result" != 1 ]
}

need AZURE_SUBSCRIPTION_ID AZURE_RESOURCE_GROUP SERVICE_API_NAME
say "Smoke test of $SERVICE_API_NAME"
wait_until passes "$@" || result=1
cat "$work/report"
[ "$result" = 0 ] || fail "The app is deployed, but does not pass the smoke test. To go back to the package before: infra/scripts/rollback.py, see docs/operate.md."
