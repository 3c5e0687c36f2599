// Premium_P2 starts at 100 units
using '../../main.bicep'

param environmentName = 'chat'
param location = 'westeurope'
param signalrSku = 'Premium_P2'
