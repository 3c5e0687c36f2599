#!/bin/sh
# Before azd packages the app: build the page, then the folder that is deployed.

set -eu
cd "$(dirname "$0")/../.."
make page
exec scripts/package
