#!/bin/sh
# Check every Bicep file against Azure's published resource types, offline. The checker and most types lie
# beside the project, in ../shared; where they do not, there is nothing to check with. The rest is infra/types.

set -eu
cd "$(dirname "$0")/../.."

shared=../shared
if [ ! -d "$shared/data/bicep-types" ]; then
  echo "No resource types in $shared: nothing was checked."
  exit 0
fi

types=$(mktemp -d)
trap 'rm -rf "$types"' EXIT
# A signal alone would end dash without that.
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP
# A file that lies beside the project is complete, ours is an excerpt: of the same name, it counts.
cp infra/types/*.json "$types"
cp "$shared"/data/bicep-types/*.json "$types"

status=0
report=$(.venv/bin/python "$shared/tools/bicep_schema_check.py" "$types" infra/*.bicep infra/*/*.bicep) ||
  status=$?
printf '%s\n' "$report"

# The checker passes over a type that it does not know, and a misspelt one is such a type.
case $report in
  *'no types for'*) status=1 ;;
esac
exit "$status"
