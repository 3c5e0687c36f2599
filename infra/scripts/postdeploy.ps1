# After a deployment (azd hook on Windows): what postdeploy.sh does elsewhere.

. "$PSScriptRoot/azure.ps1"

if ((Get-Setting 'SIGNALR_UPSTREAM' 'webhook') -ne 'webhook') {
  Write-Output 'Events go to the HTTP upstream, which needs no key.'
  exit 0
}
Assert-Setting 'AZURE_SUBSCRIPTION_ID', 'AZURE_RESOURCE_GROUP', 'SERVICE_API_NAME', 'SERVICE_API_HOST', 'SIGNALR_NAME'
Assert-Subscription

$patience = Get-Setting 'HOST_PATIENCE' '300'

$hasKey = Wait-Until $patience {
  $script:state = 'does not answer'
  if (-not (Read-ExtensionKey $env:AZURE_RESOURCE_GROUP $env:SERVICE_API_NAME)) { return $false }
  $script:state = 'has no key signalr_extension: it has loaded no function with a SignalR trigger. Look for errors in its log; if the app uses the HTTP upstream, azd env set SIGNALR_UPSTREAM http'
  [bool] $script:Key
}
if (-not $hasKey) {
  Stop-WithComplaint "The function app $env:SERVICE_API_NAME $script:state"
}
if ($script:Key -notmatch '^[A-Za-z0-9_=/-]+$') {
  Stop-WithMessage 'The key signalr_extension has characters that do not belong into a URL. Make a new one: az functionapp keys set --key-type systemKeys --key-name signalr_extension'
}
$url = "https://$($env:SERVICE_API_HOST)/runtime/webhooks/signalr?code=$($script:Key)"
$service = "/subscriptions/$env:AZURE_SUBSCRIPTION_ID/resourceGroups/$env:AZURE_RESOURCE_GROUP/providers/Microsoft.SignalRService/signalR/$($env:SIGNALR_NAME)?api-version=2024-03-01"

# Whether the service is at rest and sends events to the right address.
$isTold = {
  $properties = (Invoke-Az rest --method get --url $service).properties
  if ($script:Failed) {
    Stop-WithComplaint "The SignalR Service $env:SIGNALR_NAME cannot be read" 'SignalR/Web PubSub Contributor'
  }
  $first = $properties.upstream.templates | Select-Object -First 1
  $properties.provisioningState -eq 'Succeeded' -and $first.urlTemplate -eq $url
}

if (& $isTold) {
  Write-Output "The SignalR Service $env:SIGNALR_NAME sends events to $env:SERVICE_API_HOST already."
  exit 0
}

$template = @{
  hubPattern = '*'; categoryPattern = '*'; eventPattern = '*'; urlTemplate = $url; auth = @{ type = 'None' }
}
# In a file, not an argument: every process of the machine can read arguments.
$file = New-TemporaryFile
try {
  @{ properties = @{ upstream = @{ templates = @($template) } } } | ConvertTo-Json -Depth 6 | Set-Content $file
  $null = Invoke-Az rest --method patch --url $service --body "@$file"
}
finally {
  Remove-Item $file
}
if ($script:Failed) {
  Stop-WithComplaint "The SignalR Service $env:SIGNALR_NAME cannot be changed" 'SignalR/Web PubSub Contributor'
}
if (-not (Wait-Until $patience $isTold)) {
  Stop-WithMessage "The SignalR Service $env:SIGNALR_NAME did not take over the address of the webhook. Look at it in the portal, under Settings, and run this again."
}
Write-Output "The SignalR Service $env:SIGNALR_NAME sends events to $env:SERVICE_API_HOST from now on."
