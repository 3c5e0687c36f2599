// only Premium_P2 has more than 100 units
using '../../main.bicep'

param environmentName = 'chat'
param location = 'westeurope'
param signalrSku = 'Standard_S1'
param signalrUnits = 200
