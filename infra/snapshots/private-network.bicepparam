using '../main.bicep'

param environmentName = 'chat'
param location = 'westeurope'
param vnetEnabled = true
param zoneRedundant = true
param signalrSku = 'Premium_P1'
param alwaysReadyInstances = 2
param rollingUpdates = true
param alertEmail = 'you@example.com'
