// Azure SignalR Service in Serverless mode, and where it sends events.

param name string
param location string
param tags object
@allowed([
  'Free_F1'
  'Standard_S1'
  'Premium_P1'
  'Premium_P2'
])
param sku string
param units int
param allowedOrigins string[]
param isPrivate bool
param useManagedIdentity bool
param ownerPrincipalId string
param workspaceId string
@allowed([
  'webhook'
  'http'
])
param upstream string
param functionAppName string
param functionAppHost string
param extensionKeyExists bool
@description('Person who may use the service with their own identity. Empty: nobody.')
param developerPrincipalId string

var roles = {
  signalrServiceOwner: '7e4f1700-ea5a-4f59-8f37-079cfe29dce3'
}

var openRules = {
  defaultAction: 'Deny'
  publicNetwork: {
    allow: [
      'ClientConnection'
      'RESTAPI'
    ]
  }
}
// The other way round: a rule for the private endpoint could be written only once it exists.
var privateRules = {
  defaultAction: 'Allow'
  publicNetwork: {
    deny: [
      'ServerConnection'
      'RESTAPI'
      'Trace'
    ]
  }
}
// The free tier refuses any.
var networkRules = (sku == 'Free_F1') ? null : (isPrivate ? privateRules : openRules)

resource app 'Microsoft.Web/sites@2024-04-01' existing = {
  name: functionAppName
}

// Read from the running host, so that no copy of the key is kept anywhere.
var webhookUrl = extensionKeyExists ? 'https://${functionAppHost}/runtime/webhooks/signalr?code=${listKeys('${app.id}/host/default', '2024-04-01').systemKeys.signalr_extension}' : ''
var upstreamUrl = (upstream == 'http') ? 'https://${functionAppHost}/api/upstream' : webhookUrl

resource signalr 'Microsoft.SignalRService/signalR@2024-03-01' = {
  name: name
  location: location
  tags: tags
  kind: 'SignalR'
  sku: {
    name: sku
    capacity: units
  }
  properties: {
    features: [
      {
        flag: 'ServiceMode'
        value: 'Serverless'
      }
      {
        flag: 'EnableConnectivityLogs'
        value: 'true'
      }
      {
        flag: 'EnableMessagingLogs'
        value: 'false'
      }
    ]
    cors: {
      allowedOrigins: allowedOrigins
    }
    disableAadAuth: false
    disableLocalAuth: useManagedIdentity
    publicNetworkAccess: 'Enabled'
    tls: {
      clientCertEnabled: false
    }
    networkACLs: networkRules
    serverless: {
      connectionTimeoutInSeconds: 30
    }
    upstream: {
      templates: empty(upstreamUrl) ? [] : [
        {
          hubPattern: '*'
          categoryPattern: '*'
          eventPattern: '*'
          urlTemplate: upstreamUrl
          auth: {
            type: 'None'
          }
        }
      ]
    }
  }
}

resource owner 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (useManagedIdentity) {
  name: guid(signalr.id, ownerPrincipalId, roles.signalrServiceOwner)
  scope: signalr
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.signalrServiceOwner)
    principalId: ownerPrincipalId
    principalType: 'ServicePrincipal'
  }
}

resource developer 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(developerPrincipalId)) {
  name: guid(signalr.id, developerPrincipalId, roles.signalrServiceOwner)
  scope: signalr
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.signalrServiceOwner)
    principalId: developerPrincipalId
    principalType: 'User'
  }
}

resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'logs'
  scope: signalr
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        categoryGroup: 'allLogs'
        enabled: true
      }
    ]
  }
}

output id string = signalr.id
output name string = signalr.name
output hostName string = signalr.properties.hostName
