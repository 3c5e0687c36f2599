#Requires -Version 7.4
# After provisioning (azd hook on Windows): what postprovision.sh does elsewhere.

& "$PSScriptRoot/postdeploy.ps1" -IfDeployed
exit $LASTEXITCODE
