# shellcheck shell=sh
# What the scripts beside this one share. They read it; it does nothing by itself.

umask 077
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

say() {
  printf '%s\n' "$*"
}

fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

# Insist on environment variables.
need() {
  for name; do
    eval "value=\${$name:-}"
    # shellcheck disable=SC2154 # eval sets it
    [ -n "$value" ] || fail "$name is not set. azd sets it; without azd it is an output of the deployment, see docs/deployment.md."
  done
}

need_az() {
  command -v az >/dev/null ||
    fail "The Azure CLI (az) is missing: https://learn.microsoft.com/cli/azure/install-azure-cli"
}

# azd and az sign in separately, perhaps as two people: what azd may see, az may not.
need_subscription() {
  need_az
  az account show --subscription "$AZURE_SUBSCRIPTION_ID" --output none 2>"$work/complaint" ||
    fail "az cannot see the subscription $AZURE_SUBSCRIPTION_ID. Run: az login${AZURE_TENANT_ID:+ --tenant $AZURE_TENANT_ID}
$(cat "$work/complaint")"
}

# Put what az answers into $answer. What it complains of is kept for the two below.
# shellcheck disable=SC2034 # the scripts read $answer
ask() {
  answer=$(az "$@" --subscription "$AZURE_SUBSCRIPTION_ID" --only-show-errors 2>"$work/complaint")
}

# Whether az failed because a role is missing: no use in trying again.
refused() {
  grep -Eq 'AuthorizationFailed|Forbidden' "$work/complaint"
}

# Fail with what could not be done, the role for it where that is missing, and what az complained of.
give_up() {
  if [ -n "${2:-}" ] && refused; then
    fail "$1: you need the role $2 on it.
$(cat "$work/complaint")"
  fi
  fail "$1.
$(cat "$work/complaint")"
}

# Wait until the command of the arguments succeeds; fails after $patience seconds.
wait_until() {
  waited=0
  until "$@"; do
    # shellcheck disable=SC2154 # each script has its own patience
    if [ "$waited" -ge "$patience" ]; then
      return 1
    fi
    sleep 10
    waited=$((waited + 10))
  done
}

# Ask the Functions host of the app $2 in the resource group $1 for the key of its webhook: $answer is
# empty where there is none yet. Fails while the host does not answer.
ask_key() {
  ask functionapp keys list --resource-group "$1" --name "$2" \
    --query systemKeys.signalr_extension --output tsv && return
  if refused; then
    give_up "The keys of the function app $2 cannot be read" "Website Contributor"
  fi
  return 1
}
