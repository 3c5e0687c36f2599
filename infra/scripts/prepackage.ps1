#Requires -Version 7.4
# Before azd packages the app (on Windows): build the page, then the folder that is deployed. APP is the folder of
# another app of this repository, such as examples/answers.

. "$PSScriptRoot/azure.ps1"

# Insist on a program, and on its version.
function Assert-Program([string] $Name, [version] $Least, [string] $Site) {
  $seen = 'missing'
  if (Get-Command $Name -ErrorAction SilentlyContinue) {
    # The alias of Windows' store prints nothing.
    $seen = "$(& $Name --version)"
    if (-not $seen) { $seen = 'missing' }
    if ($seen -cmatch '\d+\.\d+' -and [version] $Matches[0] -ge $Least) { return }
  }
  Stop-WithMessage "The program $Name must be version $Least or newer, and it is ${seen}: $Site"
}

# End where the last program failed, with its exit code: it has said why.
function Assert-Success {
  if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }
}

Assert-Program node '20.0' 'https://nodejs.org/download'
Assert-Program python '3.13' 'https://www.python.org/downloads/'

Set-Location "$PSScriptRoot/../../web"
npm ci --no-audit --no-fund
Assert-Success
npm run build
Assert-Success
Set-Location "$PSScriptRoot/../.."
python infra/scripts/package.py --app (Get-Setting 'APP' '.')
Assert-Success
