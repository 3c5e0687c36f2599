#!/bin/sh
# Check every Bicep file against Azure's published resource types, offline. The checker and the types lie
# beside the project, in ../shared; where they do not, there is nothing to check with.

set -eu
cd "$(dirname "$0")/../.."

shared=../shared
if [ ! -d "$shared/data/bicep-types" ]; then
  echo "No resource types in $shared: nothing was checked."
  exit 0
fi

status=0
report=$(.venv/bin/python "$shared/tools/bicep_schema_check.py" "$shared/data/bicep-types" \
  infra/*.bicep infra/*/*.bicep) || status=$?

# These are not among the types. Only diagnosticSettings was compared with Microsoft's reference. Any
# other that is missing may be misspelt.
known='no types for microsoft\.(resources/resourcegroups@2024-03-01'
known="$known|insights/diagnosticsettings@2021-05-01-preview"
known="$known|network/(virtualnetworks|privateendpoints|privateendpoints/privatednszonegroups)@2024-05-01"
known="$known|network/(privatednszones|privatednszones/virtualnetworklinks)@2024-06-01)\$"
report=$(printf '%s\n' "$report" | grep -Ev "$known") || :
printf '%s\n' "$report"
case $report in
  *'no types for'*) status=1 ;;
esac
exit "$status"
