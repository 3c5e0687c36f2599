# Before azd packages the app (on Windows): build the page, then the folder that is deployed.

$ErrorActionPreference = 'Stop'
$PSNativeCommandUseErrorActionPreference = $true

Set-Location "$PSScriptRoot/../.."
Push-Location web
npm ci --no-audit --no-fund
npm run build
Pop-Location
python infra/scripts/package.py
exit $LASTEXITCODE
