// Free_F1 has exactly one unit
using '../../main.bicep'

param environmentName = 'chat'
param location = 'westeurope'
param signalrUnits = 7
