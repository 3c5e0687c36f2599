// alwaysReadyInstances is 0 or at least 2
using '../../main.bicep'

param environmentName = 'chat'
param location = 'westeurope'
param zoneRedundant = true
param alwaysReadyInstances = 1
