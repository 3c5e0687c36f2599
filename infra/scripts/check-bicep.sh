#!/bin/sh
# Compile and lint the template, and that of new apps, with Microsoft's Bicep compiler, and compare what the first
# deploys with the snapshots.
#
#   check-bicep.sh [--update]
#
# With --update the snapshots that differ are written anew. The compiler is $BICEP, bicep on the PATH, or the one that
# "az bicep install" installs; it works without a network.

set -eu
cd "$(dirname "$0")/../.."

update=
case ${1:-} in
  '') ;;
  --update) update=yes ;;
  *)
    echo "usage: check-bicep.sh [--update]" >&2
    exit 2
    ;;
esac

bicep=
for candidate in "${BICEP:-}" bicep "${HOME:-}/.azure/bin/bicep" ../shared/tools/bicep; do
  if [ -n "$candidate" ] && command -v "$candidate" >/dev/null; then
    bicep=$candidate
    break
  fi
done
if [ -z "$bicep" ]; then
  echo "There is no Bicep compiler: the template was not compiled. To get one: az bicep install"
  exit 0
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# A signal alone would end dash without that.
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

# A warning does not change the exit code of the compiler, so that any word is a failure.
status=0
for template in infra/main.bicep $(find signalr_local/new/template/azure -name main.bicep 2>/dev/null); do
  "$bicep" lint "$template" >"$work/lint" 2>&1 || status=1
  if [ "$status" != 0 ] || [ -s "$work/lint" ]; then
    cat "$work/lint"
    exit 1
  fi
done

# The snapshots are of nobody's subscription.
snapshot() {
  "$bicep" snapshot "$1" --mode "${2:-validate}" --subscription-id 11111111-1111-1111-1111-111111111111 \
    --tenant-id 22222222-2222-2222-2222-222222222222 --location westeurope --deployment-name chat \
    >"$work/snapshot" 2>&1
}

for parameters in infra/snapshots/*.bicepparam; do
  # The compiler writes the outputs in another order each time: what is right stays as it is.
  if ! snapshot "$parameters"; then
    [ -z "$update" ] || ! snapshot "$parameters" overwrite || continue
    echo "$parameters no longer deploys what its snapshot says. If that is intended: infra/scripts/check-bicep.sh --update"
    cat "$work/snapshot"
    status=1
  fi
done
for parameters in infra/snapshots/refused/*.bicepparam; do
  words=$(sed -n '1s|^// ||p' "$parameters")
  if snapshot "$parameters" || ! grep -qF "$words" "$work/snapshot"; then
    echo "$parameters is not refused with: $words"
    cat "$work/snapshot"
    status=1
  fi
done
exit "$status"
