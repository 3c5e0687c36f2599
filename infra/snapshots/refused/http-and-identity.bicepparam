// upstream=http and useManagedIdentity exclude each other
using '../../main.bicep'

param environmentName = 'chat'
param location = 'westeurope'
param upstream = 'http'
param useManagedIdentity = true
