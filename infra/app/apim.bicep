// API Management in front of negotiate and refresh. Its CORS policy answers browsers in place of the function app.

param name string
param location string
param tags object
@allowed([
  'Consumption'
  'BasicV2'
  'StandardV2'
])
param sku string
param publisherEmail string
param publisherName string
param functionAppHost string
param allowedOrigins string[]
param workspaceId string

var originElements = join(map(allowedOrigins, origin => '<origin>${origin}</origin>'), '')

resource service 'Microsoft.ApiManagement/service@2024-05-01' = {
  name: name
  location: location
  tags: tags
  sku: {
    name: sku
    capacity: (sku == 'Consumption') ? 0 : 1
  }
  properties: {
    publisherEmail: publisherEmail
    publisherName: publisherName
  }
}

resource realtime 'Microsoft.ApiManagement/service/apis@2024-05-01' = {
  parent: service
  name: 'realtime'
  properties: {
    displayName: 'Real-time'
    path: 'realtime'
    protocols: [
      'https'
    ]
    serviceUrl: 'https://${functionAppHost}/api'
    // Who may negotiate is decided by the app, as without API Management.
    subscriptionRequired: false
  }
}

resource negotiate 'Microsoft.ApiManagement/service/apis/operations@2024-05-01' = {
  parent: realtime
  name: 'negotiate'
  properties: {
    displayName: 'Negotiate'
    method: 'POST'
    urlTemplate: '/negotiate'
  }
}

resource refresh 'Microsoft.ApiManagement/service/apis/operations@2024-05-01' = {
  parent: realtime
  name: 'refresh'
  properties: {
    displayName: 'Refresh authentication'
    method: 'POST'
    urlTemplate: '/refresh'
  }
}

resource policy 'Microsoft.ApiManagement/service/apis/policies@2024-05-01' = {
  parent: realtime
  name: 'policy'
  properties: {
    format: 'rawxml'
    value: replace(loadTextContent('apim-policy.xml'), '<origin>ORIGINS</origin>', originElements)
  }
}

// The Consumption tier has no resource logs.
resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = if (sku != 'Consumption') {
  name: 'logs'
  scope: service
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

output gatewayUrl string = service.properties.gatewayUrl
