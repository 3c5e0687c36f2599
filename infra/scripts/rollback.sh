#!/bin/sh
# Deploy a package that was kept, after checking that it is the one that is meant.
#
#   rollback.sh PACKAGE.zip [SHA256]
#
# The checksum is the one that "make package" prints; without it, the name of the file must hold it, as in
# packages/2cf24dba….zip. The hooks of azd run as after any deployment.

set -eu
cd "$(dirname "$0")"
# shellcheck source=infra/scripts/azure.sh
. ./azure.sh
cd - >/dev/null

package=${1:-} expected=${2:-}
if [ -z "$package" ] || [ $# -gt 2 ]; then
  fail "usage: rollback.sh PACKAGE.zip [SHA256]"
fi
[ -f "$package" ] || fail "There is no file $package."
[ -n "$expected" ] || expected=$(basename "$package" .zip)
case $expected in
  *[!0-9a-f]* | '') fail "The name of $package is not a SHA-256 checksum: pass the one that make package printed." ;;
esac
seen=$({ sha256sum "$package" 2>/dev/null || shasum -a 256 "$package"; } | cut -d ' ' -f 1)
[ "$seen" = "$expected" ] || fail "$package has the checksum $seen, expected $expected: it is another package, or damaged."
command -v azd >/dev/null || fail "azd is missing: https://aka.ms/azd. Without it, deploy the package as docs/deployment.md says."

package=$(cd "$(dirname "$package")" && pwd)/$(basename "$package")
cd "$(dirname "$0")/../.."
azd deploy api --from-package "$package" --no-prompt
