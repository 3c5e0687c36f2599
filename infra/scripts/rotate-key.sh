#!/bin/sh
# Rotate the access keys of the SignalR Service without a lost message.
#
#   rotate-key.sh switch   let the app use the key that it does not use now
#   rotate-key.sh renew    once no token of the other key is valid any more, renew that key
#   rotate-key.sh          both, with the wait between them
#
# Needs the roles Key Vault Secrets Officer, Website Contributor and SignalR/Web PubSub Contributor.
# It can be interrupted at any point: what was begun with "switch" is ended with "renew".

set -eu
cd "$(dirname "$0")"
# shellcheck source=infra/scripts/azure.sh
. ./azure.sh

what=${1:-both}
case $what in
  switch | renew | both) ;;
  *) fail "usage: rotate-key.sh [switch|renew]" ;;
esac
if is_on "${USE_MANAGED_IDENTITY:-}"; then
  say "There is nothing to rotate: with USE_MANAGED_IDENTITY=true the service has no access keys."
  exit 0
fi
need AZURE_SUBSCRIPTION_ID AZURE_RESOURCE_GROUP AZURE_KEY_VAULT_NAME SERVICE_API_NAME SIGNALR_NAME
need_subscription

patience=${HOST_PATIENCE:-60}
# A client's token is valid for an hour; instances with the old key may live on for some minutes.
lifetime=${TOKEN_LIFETIME:-3900}

connection_string() {
  ask signalr key list --resource-group "$AZURE_RESOURCE_GROUP" --name "$SIGNALR_NAME" \
    --query "$1ConnectionString" --output tsv ||
    give_up "The keys of the SignalR Service $SIGNALR_NAME cannot be read" "SignalR/Web PubSub Contributor"
}

# Find out which key the app uses: $active and $idle are primary and secondary, or the other way round.
compare() {
  connection_string primary
  primary=$answer
  connection_string secondary
  secondary=$answer
  ask keyvault secret show --vault-name "$AZURE_KEY_VAULT_NAME" --name "$secret" --query value --output tsv ||
    give_up "The secret $secret of the key vault $AZURE_KEY_VAULT_NAME cannot be read" "Key Vault Secrets Officer"
  case $answer in
    "$primary") active=primary idle=secondary idle_connection_string=$secondary ;;
    "$secondary") active=secondary idle=primary idle_connection_string=$primary ;;
    *) fail "The key vault $AZURE_KEY_VAULT_NAME holds neither key of the SignalR Service $SIGNALR_NAME: one was renewed under the app. Run: azd provision --no-state" ;;
  esac
}

# Let the app read the vault, and note the time: from here on tokens are made with the active key.
tell_app() {
  refresh_references ||
    give_up "The function app $SERVICE_API_NAME cannot be told to read the vault; once it can, run: rotate-key.sh renew" "Website Contributor"
  wait_until is_resolved ||
    fail "The app setting $secret is not resolved, its state is $state. Look at it in the portal, under Environment variables; both keys are valid still. Then run: rotate-key.sh renew"
  ask keyvault secret set-attributes --vault-name "$AZURE_KEY_VAULT_NAME" --name "$secret" \
    --tags "switched=$(date +%s)" --output none ||
    give_up "The secret $secret of the key vault $AZURE_KEY_VAULT_NAME cannot be changed" "Key Vault Secrets Officer"
}

switch() {
  compare
  printf %s "$idle_connection_string" >"$work/secret"
  # The tag of the version before is not taken over.
  ask keyvault secret set --vault-name "$AZURE_KEY_VAULT_NAME" --name "$secret" --file "$work/secret" \
    --encoding utf-8 --content-type text/plain --output none ||
    give_up "The secret $secret of the key vault $AZURE_KEY_VAULT_NAME cannot be set" "Key Vault Secrets Officer"
  rm "$work/secret"
  if [ -n "${AZURE_ENV_NAME:-}" ] && command -v azd >/dev/null; then
    azd env set SIGNALR_ACTIVE_KEY "$idle"
  else
    say "Pass signalrActiveKey=$idle to the next deployment of infra/main.bicep."
  fi
  tell_app
  say "The app uses the $idle key from now on."
}

renew() {
  compare
  ask keyvault secret show --vault-name "$AZURE_KEY_VAULT_NAME" --name "$secret" --query tags.switched --output tsv ||
    give_up "The secret $secret of the key vault $AZURE_KEY_VAULT_NAME cannot be read" "Key Vault Secrets Officer"
  switched=$answer
  if [ -z "$switched" ]; then
    # Interrupted, or provisioned since: nobody knows whether the app has read the vault.
    tell_app
    switched=$(date +%s)
  fi
  left=$((switched + lifetime - $(date +%s)))
  if [ "$left" -gt 0 ]; then
    say "Tokens of the $idle key are valid for $left more seconds; waiting. Ctrl+C is safe: run \"rotate-key.sh renew\" later."
    sleep "$left"
  fi
  ask signalr key renew --resource-group "$AZURE_RESOURCE_GROUP" --name "$SIGNALR_NAME" \
    --key-type "$idle" --output none ||
    give_up "The $idle key of the SignalR Service $SIGNALR_NAME cannot be renewed" "SignalR/Web PubSub Contributor"
  say "The $idle key is renewed. The app uses the $active key."
}

[ "$what" = renew ] || switch
[ "$what" = switch ] || renew
