#Requires -Version 7.4
# What the hooks for Windows share, as azure.sh is shared by the others. They read it; it does nothing by itself.
#
# Where PowerShell 7 is missing azd takes Windows PowerShell, which ends a script at the first line that az writes
# to standard error: every script insists on the version.

$ErrorActionPreference = 'Stop'
# What az fails with is looked at, it does not end the script.
$PSNativeCommandUseErrorActionPreference = $false

function Stop-WithMessage([string] $Message) {
  [Console]::Error.WriteLine($Message)
  exit 1
}

function Get-Setting([string] $Name, [string] $Default) {
  $value = [Environment]::GetEnvironmentVariable($Name)
  if ($value) { $value } else { $Default }
}

# Insist on environment variables.
function Assert-Setting([string[]] $Names) {
  foreach ($name in $Names) {
    if (-not (Get-Setting $name '')) {
      Stop-WithMessage "$name is not set. azd sets it; without azd it is an output of the deployment, see docs/deployment.md."
    }
  }
}

# Whether a switch is on, in the spellings that azd takes for the template.
function Test-Switch([string] $Name) {
  @('1', 't', 'T', 'true', 'True', 'TRUE') -ccontains (Get-Setting $Name '')
}

function Assert-AzureCli {
  if (-not (Get-Command az -ErrorAction SilentlyContinue)) {
    Stop-WithMessage 'The Azure CLI (az) is missing: https://learn.microsoft.com/cli/azure/install-azure-cli'
  }
}

# Run az: $script:Failed says whether it failed, $script:Complaint what it complained of. Answers in JSON are
# read here and not by --query: on Windows az is a batch file, which takes quotes and pipes for its own.
function Invoke-Az {
  $file = New-TemporaryFile
  try {
    $lines = & az @args --subscription $env:AZURE_SUBSCRIPTION_ID --only-show-errors --output json 2> $file
    $script:Failed = $LASTEXITCODE -ne 0
    $script:Complaint = Get-Content -Raw $file
  }
  finally {
    Remove-Item $file
  }
  if ($lines -and -not $script:Failed) { $lines | Out-String | ConvertFrom-Json }
}

# Whether az failed because a role is missing: no use in trying again.
function Test-Refused {
  $script:Complaint -cmatch 'AuthorizationFailed|Forbidden'
}

# Whether az failed because there is no such resource group.
function Test-Missing {
  $script:Complaint -cmatch 'ResourceGroupNotFound'
}

# Return what could not be done, the role for it where that is missing, and what az complained of.
function Get-Explanation([string] $Message, [string] $Role) {
  $reason = if ($Role -and (Test-Refused)) { ": you need the role $Role on it" } else { '' }
  "$Message$reason.`n$($script:Complaint.TrimEnd())"
}

# Fail with that.
function Stop-WithComplaint([string] $Message, [string] $Role) {
  Stop-WithMessage (Get-Explanation $Message $Role)
}

# azd and az sign in separately, perhaps as two people: what azd may see, az may not.
function Assert-Subscription {
  Assert-AzureCli
  $null = Invoke-Az account show
  if ($script:Failed) {
    $tenant = if ($env:AZURE_TENANT_ID) { " --tenant $env:AZURE_TENANT_ID" } else { '' }
    Stop-WithMessage "az cannot see the subscription $env:AZURE_SUBSCRIPTION_ID. Run: az login$tenant`n$script:Complaint"
  }
}

# Wait until the block returns true; return false after $Patience seconds.
function Wait-Until([int] $Patience, [scriptblock] $Check) {
  $waited = 0
  while (-not (& $Check)) {
    if ($waited -ge $Patience) { return $false }
    Start-Sleep -Seconds 10
    $waited += 10
  }
  $true
}

# Return whether the host of an app answered; the message says what a missing role prevents.
function Test-Answered([string] $Message) {
  if ($script:Failed -and (Test-Refused)) { Stop-WithComplaint $Message 'Website Contributor' }
  -not $script:Failed
}

# Ask the Functions host for the key of its webhook: $script:Key is empty where there is none yet. Return
# whether the host answered.
function Read-ExtensionKey([string] $Group, [string] $Name) {
  $keys = Invoke-Az functionapp keys list --resource-group $Group --name $Name
  $script:Key = [string] $keys.systemKeys.signalr_extension
  Test-Answered "The keys of the function app $Name cannot be read"
}

# The app setting that refers to the key vault, and the secret there.
$Secret = 'AzureSignalRConnectionString'

# Send a request about the app's references to the key vault.
function Invoke-Reference([string] $Method, [string] $Path) {
  Invoke-Az rest --method $Method --url "/subscriptions/$env:AZURE_SUBSCRIPTION_ID/resourceGroups/$env:AZURE_RESOURCE_GROUP/providers/Microsoft.Web/sites/$env:SERVICE_API_NAME/config/configreferences/appsettings/$($Path)?api-version=2022-03-01"
}

# Ask what has become of the reference: $script:State is Resolved, or what is wrong.
function Read-Reference {
  $script:State = [string] (Invoke-Reference get $Secret).properties.status
}

# Whether the app has read the key vault, or else it is told to try again: a restart alone would keep what was
# read, or not, for up to a day.
function Test-Resolved {
  Read-Reference
  if ($script:Failed) {
    Stop-WithComplaint "The state of the app setting $Secret cannot be read" 'Website Contributor'
  }
  if ($script:State -ceq 'Resolved') { return $true }
  $null = Invoke-Reference post refresh
  if ($script:Failed) {
    Stop-WithComplaint "The function app $env:SERVICE_API_NAME cannot be told to read the key vault" 'Website Contributor'
  }
  $false
}
