using '../main.bicep'

param environmentName = 'chat'
param location = 'westeurope'
