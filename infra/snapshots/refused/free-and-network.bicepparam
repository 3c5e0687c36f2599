// Free_F1 has no private endpoint
using '../../main.bicep'

param environmentName = 'chat'
param location = 'westeurope'
param vnetEnabled = true
