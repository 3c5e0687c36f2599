using '../main.bicep'

param environmentName = 'chat'
param location = 'westeurope'
param useManagedIdentity = true
param signalrSku = 'Standard_S1'
param developerPrincipalId = '33333333-3333-3333-3333-333333333333'
