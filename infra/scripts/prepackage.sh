#!/bin/sh
# Before azd packages the app: build the page, then the folder that is deployed. APP is the folder of another app
# of this repository, such as examples/answers.

set -eu
if [ $# -gt 0 ]; then
  echo "usage: prepackage.sh" >&2
  exit 2
fi
cd "$(dirname "$0")/../.."
make page
exec scripts/package --app "${APP:-.}"
