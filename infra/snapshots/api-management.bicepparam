using '../main.bicep'

param environmentName = 'chat'
param location = 'westeurope'
param apimPublisherEmail = 'you@example.com'
param apimSku = 'StandardV2'
param allowedOrigins = 'https://app.example.com'
param signalrExtensionKeyExists = true
param vaultPurgeProtection = false
