using '../main.bicep'

param environmentName = 'chat'
param location = 'westeurope'
param authClientId = '44444444-4444-4444-4444-444444444444'
param authUnauthenticatedAction = 'Return401'
param upstream = 'http'
param allowedOrigins = 'https://app.example.com, *,https://www.example.com,'
