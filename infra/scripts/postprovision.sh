#!/bin/sh
# After provisioning (azd hook): tell the SignalR Service where the webhook is, in case preprovision could not
# find that out and the template has left the address empty.

if [ $# -gt 0 ]; then
  echo "usage: postprovision.sh" >&2
  exit 2
fi
exec "$(dirname "$0")/postdeploy.sh" --if-deployed
