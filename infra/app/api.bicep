// The function app: Python 3.13 on Flex Consumption, its settings and who may call it.

param name string
param planName string
param location string
param tags object
param identityId string
param identityClientId string
param blobEndpoint string
param packageContainerName string
param insightsConnectionString string
param signalrHostName string
@description('Vault with the connection string. Empty: the app reaches the SignalR Service with its identity.')
param vaultName string
param allowedOrigins string[]
@allowed([
  'webhook'
  'http'
])
param upstream string
param authClientId string
@allowed([
  'RedirectToLoginPage'
  'Return401'
])
param authUnauthenticatedAction string
@description('Private network. Empty: none.')
param networkName string
param zoneRedundant bool
param alwaysReadyInstances int
param instanceMemoryMB int
param maximumInstanceCount int
param httpConcurrency int
param rollingUpdates bool
@secure()
param moreSettings object

var useAuth = !empty(authClientId)

// With a user-assigned identity every connection names it: there could be several.
var platformSettings = {
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: identityClientId
  AzureWebJobsStorage__blobServiceUri: blobEndpoint
  APPLICATIONINSIGHTS_CONNECTION_STRING: insightsConnectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
  AZURE_CLIENT_ID: identityClientId
}

// One form only: with both, which one is used depends on who reads it.
var signalrSettings = empty(vaultName) ? {
  AzureSignalRConnectionString__serviceUri: 'https://${signalrHostName}'
  AzureSignalRConnectionString__credential: 'managedidentity'
  AzureSignalRConnectionString__clientId: identityClientId
} : {
  AzureSignalRConnectionString: '@Microsoft.KeyVault(VaultName=${vaultName};SecretName=AzureSignalRConnectionString)'
}

var upstreamSettings = (upstream == 'http') ? {
  UPSTREAM_ROUTE: 'upstream'
} : {}

// The headers are trustworthy only while authentication is on: the app insists on WEBSITE_AUTH_ENABLED.
var authSettings = useAuth ? {
  NEGOTIATE_USER_ID: '{headers.x-ms-client-principal-id}'
  WEBSITE_AUTH_ENABLED: 'true'
  OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID: identityClientId
} : {}

resource plan 'Microsoft.Web/serverfarms@2024-04-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
    zoneRedundant: zoneRedundant
  }
}

resource app 'Microsoft.Web/sites@2024-04-01' = {
  name: name
  location: location
  tags: union(tags, {
    'azd-service-name': 'api'
  })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    keyVaultReferenceIdentity: identityId
    virtualNetworkSubnetId: empty(networkName) ? null : resourceId('Microsoft.Network/virtualNetworks/subnets', networkName, 'app')
    siteConfig: {
      minTlsVersion: '1.2'
      http20Enabled: true
      cors: {
        allowedOrigins: allowedOrigins
        supportCredentials: !empty(allowedOrigins)
      }
    }
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${blobEndpoint}${packageContainerName}'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstanceCount
        // SignalR triggers belong to the group of HTTP triggers.
        triggers: {
          http: {
            perInstanceConcurrency: httpConcurrency
          }
        }
        alwaysReady: (alwaysReadyInstances == 0) ? [] : [
          {
            name: 'http'
            instanceCount: alwaysReadyInstances
          }
        ]
      }
      #disable-next-line BCP037 // the published types lack it
      siteUpdateStrategy: {
        type: rollingUpdates ? 'RollingUpdate' : 'Recreate'
      }
      runtime: {
        name: 'python'
        version: '3.13'
      }
    }
  }
}

// Deployment is by Entra token: nobody needs the publishing passwords.
resource ftpPasswords 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-04-01' = {
  parent: app
  name: 'ftp'
  properties: {
    allow: false
  }
}

resource scmPasswords 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-04-01' = {
  parent: app
  name: 'scm'
  properties: {
    allow: false
  }
}

module auth 'auth.bicep' = if (useAuth) {
  name: 'auth'
  params: {
    functionAppName: app.name
    clientId: authClientId
    unauthenticatedAction: authUnauthenticatedAction
    upstreamPath: (upstream == 'http') ? '/api/upstream' : '/runtime/webhooks/signalr'
  }
}

resource settings 'Microsoft.Web/sites/config@2024-04-01' = {
  parent: app
  name: 'appsettings'
  properties: union(moreSettings, platformSettings, signalrSettings, upstreamSettings, authSettings)
  // The app trusts the headers from here on.
  dependsOn: [
    auth
  ]
}

// Without it, authentication would stay on: a deployment leaves alone what its template does not mention.
resource noAuth 'Microsoft.Web/sites/config@2024-04-01' = if (!useAuth) {
  parent: app
  name: 'authsettingsV2'
  properties: {
    platform: {
      enabled: false
    }
    globalValidation: {
      requireAuthentication: false
      unauthenticatedClientAction: 'AllowAnonymous'
    }
  }
  // Off only once the app has stopped trusting the headers.
  dependsOn: [
    settings
  ]
}

output name string = app.name
output hostName string = app.properties.defaultHostName
