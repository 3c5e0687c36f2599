#!/bin/sh
# Before azd packages the app: build the page, then the folder that is deployed.

set -eu
if [ $# -gt 0 ]; then
  echo "usage: prepackage.sh" >&2
  exit 2
fi
cd "$(dirname "$0")/../.."
make page
exec scripts/package
