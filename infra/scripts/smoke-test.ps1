#Requires -Version 7.4
# After a deployment (azd hook on Windows): what smoke-test.sh does elsewhere.

. "$PSScriptRoot/azure.ps1"

if ((Get-Setting 'SMOKE_TEST' 'on') -ceq 'off') { exit 0 }
Assert-Setting 'AZURE_SUBSCRIPTION_ID', 'AZURE_RESOURCE_GROUP', 'SERVICE_API_NAME'
Set-Location "$PSScriptRoot/../.."
$python = '.venv/Scripts/python.exe'
if (-not (Test-Path $python)) {
  python -m venv .venv
  & $python -m pip install --quiet -r requirements.txt --editable . --editable signalr_local
  if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }
}
$options = @('--azure', $env:SERVICE_API_NAME, '--resource-group', $env:AZURE_RESOURCE_GROUP, '--subscription', $env:AZURE_SUBSCRIPTION_ID)
# Nobody is signed in here.
if ($env:AUTH_CLIENT_ID) { $options += '--no-round-trip' }

Write-Output "Smoke test of $env:SERVICE_API_NAME"
$passes = {
  $script:Report = & $python -m signalr_local doctor @options 2>&1
  # 2: it could not look, and would not be able to in a minute.
  $script:Code = $LASTEXITCODE
  $script:Code -ne 1
}
$null = Wait-Until (Get-Setting 'SMOKE_PATIENCE' '180') $passes
$script:Report | Out-String | Write-Output
if ($script:Code -ne 0) {
  Stop-WithMessage 'The app is deployed, but does not pass the smoke test. To go back to the package before: infra/scripts/rollback.py, see docs/operate.md.'
}
