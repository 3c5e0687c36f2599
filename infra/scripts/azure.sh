# shellcheck shell=sh
# What the scripts beside this one share. They read it; it does nothing by itself.

umask 077
# Git Bash takes an argument that begins with / for a path and rewrites it; names of files must be rewritten.
export MSYS2_ARG_CONV_EXCL=/subscriptions
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# A signal alone would end dash without that.
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

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

# Whether a switch is on, in the spellings that azd takes for the template.
is_on() {
  case $1 in
    1 | t | T | true | True | TRUE) ;;
    *) return 1 ;;
  esac
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

# Put what az answers into $answer. What it complains of is kept for those below.
# shellcheck disable=SC2034 # the scripts read $answer
ask() {
  answer=$(az "$@" --subscription "$AZURE_SUBSCRIPTION_ID" --only-show-errors 2>"$work/complaint")
}

# Whether az failed because a role is missing: no use in trying again.
refused() {
  grep -Eq 'AuthorizationFailed|Forbidden' "$work/complaint"
}

# Whether az failed because there is no such resource group.
is_missing() {
  grep -q ResourceGroupNotFound "$work/complaint"
}

# Print what could not be done, the role for it where that is missing, and what az complained of.
explain() {
  if [ -n "${2:-}" ] && refused; then
    say "$1: you need the role $2 on it."
  else
    say "$1."
  fi
  cat "$work/complaint"
}

# Fail with that.
give_up() {
  fail "$(explain "$@")"
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

# Ask about the functions of an app: fails while its host does not answer. $1 says what a missing role prevents.
ask_host() {
  problem=$1
  shift
  ask "$@" && return
  if refused; then
    give_up "$problem" "Website Contributor"
  fi
  return 1
}

# Ask for the key of the webhook of the app $2 in the resource group $1: $answer is empty where there is
# none yet.
ask_key() {
  ask_host "The keys of the function app $2 cannot be read" \
    functionapp keys list --resource-group "$1" --name "$2" \
    --query systemKeys.signalr_extension --output tsv
}

# The app setting that refers to the key vault, and the secret there.
secret=AzureSignalRConnectionString

# Send a request about the app's references to the key vault.
ask_references() {
  method=$1 path=$2
  shift 2
  ask rest --method "$method" --url "/subscriptions/$AZURE_SUBSCRIPTION_ID/resourceGroups/$AZURE_RESOURCE_GROUP/providers/Microsoft.Web/sites/$SERVICE_API_NAME/config/configreferences/appsettings/$path?api-version=2022-03-01" "$@"
}

# Ask what has become of the reference: $answer is Resolved, or what is wrong.
ask_reference() {
  ask_references get "$secret" --query properties.status --output tsv
}

# Let the app read the key vault now: a restart alone would keep what was read, or not, for up to a day.
refresh_references() {
  ask_references post refresh --output none
}

# Whether the app has read the key vault, or else $state says why not and it is told to try again.
is_resolved() {
  ask_reference || give_up "The state of the app setting $secret cannot be read" "Website Contributor"
  state=$answer
  [ "$state" = Resolved ] && return
  refresh_references ||
    give_up "The function app $SERVICE_API_NAME cannot be told to read the key vault" "Website Contributor"
  return 1
}
