# What the hooks for Windows share, as azure.sh is shared by the others. They read it; it does nothing by itself.

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
  $script:Complaint -match 'AuthorizationFailed|Forbidden'
}

# Fail with what could not be done, the role for it where that is missing, and what az complained of.
function Stop-WithComplaint([string] $Message, [string] $Role) {
  $reason = if ($Role -and (Test-Refused)) { ": you need the role $Role on it" } else { '' }
  Stop-WithMessage "$Message$reason.`n$script:Complaint"
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

# Ask the Functions host for the key of its webhook: $script:Key is empty where there is none yet. Return
# whether the host answered.
function Read-ExtensionKey([string] $Group, [string] $Name) {
  $keys = Invoke-Az functionapp keys list --resource-group $Group --name $Name
  if ($script:Failed) {
    if (Test-Refused) {
      Stop-WithComplaint "The keys of the function app $Name cannot be read" 'Website Contributor'
    }
    return $false
  }
  $script:Key = [string] $keys.systemKeys.signalr_extension
  $true
}
