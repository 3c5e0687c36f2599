// Everything that the app needs, in one resource group.

targetScope = 'subscription'

@minLength(1)
@maxLength(64)
@description('Name of the environment. It goes into the names and tags of everything.')
param environmentName string

@minLength(1)
@description('Region of everything. It must have Flex Consumption: az functionapp list-flexconsumption-locations.')
@metadata({
  azd: {
    type: 'location'
  }
})
param location string

@allowed([
  'Free_F1'
  'Standard_S1'
  'Premium_P1'
])
@description('Tier of the SignalR Service. Free_F1 costs nothing and has 20 connections and 20,000 messages a day. The others are billed by the day.')
param signalrSku string = 'Free_F1'

var tags = {
  'azd-env-name': environmentName
}

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module app 'app.bicep' = {
  name: 'app'
  scope: group
  params: {
    token: toLower(uniqueString(subscription().id, environmentName, location))
    location: location
    tags: tags
    signalrSku: signalrSku
  }
}

output AZURE_LOCATION string = location
output AZURE_RESOURCE_GROUP string = group.name
output SERVICE_API_NAME string = app.outputs.functionAppName
output SERVICE_API_URI string = 'https://${app.outputs.hostName}/api/index'
