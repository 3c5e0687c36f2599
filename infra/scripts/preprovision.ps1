#Requires -Version 7.4
# Before provisioning (azd hook on Windows): what preprovision.sh does elsewhere.

. "$PSScriptRoot/azure.ps1"

$upstream = Get-Setting 'SIGNALR_UPSTREAM' 'webhook'

if ($upstream -ceq 'http' -and (Test-Switch 'USE_MANAGED_IDENTITY')) {
  Stop-WithMessage 'SIGNALR_UPSTREAM=http and USE_MANAGED_IDENTITY=true exclude each other: the HTTP upstream checks a signature that is made with the access key, and there is none. Set one of them back: azd env set SIGNALR_UPSTREAM webhook'
}
$sku = Get-Setting 'SIGNALR_SKU' 'Free_F1'
$units = Get-Setting 'SIGNALR_UNITS' '1'
if ($sku -ceq 'Free_F1') {
  if (Test-Switch 'VNET_ENABLED') {
    Stop-WithMessage 'SIGNALR_SKU=Free_F1 has no private endpoint. Choose another tier, or: azd env set VNET_ENABLED false'
  }
  if ($units -cne '1') {
    Stop-WithMessage 'SIGNALR_SKU=Free_F1 has exactly one unit. Choose another tier, azd env set SIGNALR_SKU Standard_S1, or: azd env set SIGNALR_UNITS 1'
  }
}
if ($sku -ceq 'Premium_P2' -and $units -cnotmatch '^\d{3}') {
  Stop-WithMessage 'SIGNALR_SKU=Premium_P2 starts at 100 units: azd env set SIGNALR_UNITS 100'
}
if ((Test-Switch 'ZONE_REDUNDANT') -and (Get-Setting 'ALWAYS_READY_INSTANCES' '0') -ceq '1') {
  Stop-WithMessage 'With ZONE_REDUNDANT=true there are no or at least two always-ready instances: azd env set ALWAYS_READY_INSTANCES 2'
}
if ((Get-Setting 'ALLOWED_ORIGINS' '').Contains('*')) {
  Stop-WithMessage 'ALLOWED_ORIGINS has a wildcard. Requests carry credentials, so every origin must be named: https://app.example.com,https://www.example.com'
}

if ($upstream -cne 'webhook') { exit 0 }
Assert-AzureCli
Assert-Setting 'AZURE_ENV_NAME'

$exists = 'false'
# Before the very first provisioning azd has not asked for the subscription yet: there is no app.
if ($env:AZURE_SUBSCRIPTION_ID) {
  Assert-Subscription
  # Only in there: another team may have an environment of this name.
  $group = "rg-$env:AZURE_ENV_NAME"
  $resources = Invoke-Az resource list --resource-group $group --resource-type Microsoft.Web/sites
  if ($script:Failed -and -not (Test-Missing)) {
    Stop-WithComplaint "The resources of the resource group $group cannot be listed" 'Reader'
  }
  $app = $resources | Where-Object { $_.tags.'azd-service-name' -ceq 'api' } | Select-Object -First 1
  if ($app) {
    if (Wait-Until (Get-Setting 'HOST_PATIENCE' '60') { Read-ExtensionKey $group $app.name }) {
      if ($script:Key) { $exists = 'true' }
    }
    else {
      Write-Output "The function app $($app.name) does not answer; if it does not after provisioning either, events stop until it is deployed again: azd deploy"
    }
  }
}

if ((Get-Setting 'SIGNALR_EXTENSION_KEY_EXISTS' 'false') -cne $exists) {
  azd env set SIGNALR_EXTENSION_KEY_EXISTS $exists
  exit $LASTEXITCODE
}
