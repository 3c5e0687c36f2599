#Requires -Version 7.4
# After a deployment (azd hook on Windows): what postdeploy.sh does elsewhere.

param([switch] $IfDeployed)

. "$PSScriptRoot/azure.ps1"

$upstream = Get-Setting 'SIGNALR_UPSTREAM' 'webhook'
# The template has written the address of the HTTP upstream.
if ($IfDeployed -and $upstream -cne 'webhook') { exit 0 }
Assert-Setting 'AZURE_SUBSCRIPTION_ID', 'AZURE_RESOURCE_GROUP', 'SERVICE_API_NAME', 'SERVICE_API_HOST', 'SIGNALR_NAME'
Assert-Subscription

$patience = Get-Setting 'HOST_PATIENCE' '300'

# While the role of the app's identity has not spread, the app cannot read the key vault: the host takes the
# text of the reference for the connection string, starts no trigger and makes no key.
function Wait-Reference {
  Read-Reference
  if ($script:Failed) {
    Get-Explanation "Whether the function app $env:SERVICE_API_NAME can read the key vault $env:AZURE_KEY_VAULT_NAME is not known" 'Website Contributor'
    return
  }
  if ($script:State -ceq 'Resolved') { return }
  "The app cannot read the key vault $env:AZURE_KEY_VAULT_NAME yet: $script:State. Waiting."
  if (-not (Wait-Until $patience { Test-Resolved })) {
    Stop-WithMessage "The app setting $Secret is not resolved, its state is ${script:State}: the function app $env:SERVICE_API_NAME cannot read the key vault $env:AZURE_KEY_VAULT_NAME. azd provision --no-state writes the secret, and gives the app's identity the role Key Vault Secrets User, which can take half an hour to spread. Then run: azd hooks run postdeploy"
  }
  # What runs has the text still.
  $null = Invoke-Az functionapp restart --resource-group $env:AZURE_RESOURCE_GROUP --name $env:SERVICE_API_NAME
  if ($script:Failed) {
    Stop-WithComplaint "The function app $env:SERVICE_API_NAME cannot be restarted" 'Website Contributor'
  }
}

$hasUpstream = {
  $script:State = 'does not answer'
  $functions = Invoke-Az functionapp function list --resource-group $env:AZURE_RESOURCE_GROUP --name $env:SERVICE_API_NAME
  if (-not (Test-Answered "The functions of the function app $env:SERVICE_API_NAME cannot be listed")) { return $false }
  $script:State = 'has no HTTP function with the route upstream, and events are sent there. It takes app.add_signalr_upstream(), or a ServerlessHub with upstream_route="upstream"; if the app has neither, azd env set SIGNALR_UPSTREAM webhook, then azd provision'
  [bool] ($functions.config.bindings | Where-Object { $_.type -ceq 'httpTrigger' -and $_.route -ceq 'upstream' })
}

$hasKey = {
  $script:State = 'does not answer'
  if (-not (Read-ExtensionKey $env:AZURE_RESOURCE_GROUP $env:SERVICE_API_NAME)) { return $false }
  $script:State = 'has no key signalr_extension: it has loaded no function with a SignalR trigger. Look for errors in its log; if the app uses the HTTP upstream, azd env set SIGNALR_UPSTREAM http, then azd provision'
  [bool] $script:Key
}

if ($IfDeployed) {
  # An app without code may not answer at all; one with code wakes up within this time.
  $answered = Wait-Until (Get-Setting 'HOST_PATIENCE' '30') { Read-ExtensionKey $env:AZURE_RESOURCE_GROUP $env:SERVICE_API_NAME }
  if (-not ($answered -and $script:Key)) {
    Write-Output "The function app $env:SERVICE_API_NAME has no key for its webhook yet: azd deploy tells the SignalR Service where events go."
    exit 0
  }
}
else {
  if ($env:AZURE_KEY_VAULT_NAME) { Wait-Reference }
  $check = if ($upstream -ceq 'webhook') { $hasKey } else { $hasUpstream }
  if (-not (Wait-Until $patience $check)) {
    Stop-WithComplaint "The function app $env:SERVICE_API_NAME $script:State"
  }
  if ($upstream -cne 'webhook') {
    Write-Output 'Events go to the HTTP upstream, which needs no key.'
    exit 0
  }
}
if ($script:Key -cnotmatch '^[A-Za-z0-9_=/-]+$') {
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
  $properties.provisioningState -ceq 'Succeeded' -and $first.urlTemplate -ceq $url
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
