// Everything that the app needs, in one resource group. docs/deployment-reference.md says what each parameter costs
// and does, docs/deployment.md how to deploy with and without azd.

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
  'Premium_P2'
])
@description('Tier of the SignalR Service. Free_F1 costs nothing and has 20 connections and 20,000 messages a day, no network rules and no private endpoint. Standard_S1 is billed per unit and day. Premium adds zones and autoscaling. P2 starts at 100 units.')
param signalrSku string = 'Free_F1'

@allowed([
  1
  2
  3
  4
  5
  6
  7
  8
  9
  10
  20
  30
  40
  50
  60
  70
  80
  90
  100
  200
  300
  400
  500
  600
  700
  800
  900
  1000
])
@description('Units of the SignalR Service, each billed: 1,000 connections and 1,000,000 messages a day. Free_F1 has exactly 1, Premium_P2 starts at 100 and ends at 1000, the others end at 100.')
param signalrUnits int = 1

@description('Origins of pages on other hosts that may use the app, separated by commas: https://app.example.com. The app\'s own origin is always allowed, a wildcard never, because requests carry credentials. Costs nothing.')
param allowedOrigins string = ''

@description('Reach the SignalR Service with the managed identity instead of an access key: no key vault, and the service refuses access keys altogether. Costs nothing. Not together with the HTTP upstream, whose requests are checked with the access key. Switched later, it interrupts the app (docs/deployment.md).')
param useManagedIdentity bool = false

@allowed([
  'primary'
  'secondary'
])
@description('Which of the two access keys the app uses. infra/scripts/rotate-key.sh changes it. Costs nothing. Without effect with useManagedIdentity.')
param signalrActiveKey string = 'primary'

@allowed([
  'webhook'
  'http'
])
@description('Where the SignalR Service sends events. webhook: to SignalR triggers, through the Functions host, which asks for its system key. http: to the anonymous HTTP function /api/upstream, which checks the signature and needs no key. Costs nothing.')
param upstream string = 'webhook'

@description('Whether the host has its key signalr_extension already, as it does once an app with a SignalR trigger has run. Set before each provisioning by infra/scripts/preprovision; a wrong true fails the deployment, a wrong false stops events until infra/scripts/postdeploy has run.')
param signalrExtensionKeyExists bool = false

@description('Client id of the Entra app registration that people sign in with. Empty: App Service Authentication is off and users are anonymous. Costs nothing.')
param authClientId string = ''

@allowed([
  'RedirectToLoginPage'
  'Return401'
])
@description('What App Service Authentication answers to those who are not signed in. RedirectToLoginPage suits the page that the app serves, Return401 pages elsewhere that send tokens. Without effect without authClientId.')
param authUnauthenticatedAction string = 'RedirectToLoginPage'

@description('Mail address of who publishes the API. With one, API Management stands in front of negotiate and answers its CORS requests. Costs what its tier costs.')
param apimPublisherEmail string = ''

@allowed([
  'Consumption'
  'BasicV2'
  'StandardV2'
])
@description('Tier of API Management: Consumption is billed per call, the others per unit and hour. Without effect without apimPublisherEmail.')
param apimSku string = 'Consumption'

@description('Private networking: storage, key vault and the REST API of the SignalR Service are reached over private endpoints only. Clients still connect to the public endpoint. Costs four private endpoints and DNS zones. Not with Free_F1. Switched later, it interrupts the app (docs/deployment.md).')
param vnetEnabled bool = false

@description('Spread the app and its storage over availability zones, where the region has them. The platform then keeps two always-ready instances, which are billed, and zone-redundant storage costs more. The SignalR Service is spread with a Premium tier. Switched later, the storage must be converted first (docs/deployment.md).')
param zoneRedundant bool = false

@minValue(0)
@maxValue(20)
@description('Instances that always run, so that HTTP requests and SignalR events meet no cold start. Billed all the time, without free grant.')
param alwaysReadyInstances int = 0

@allowed([
  512
  2048
  4096
])
@description('Memory of an instance in MB. Time is billed by memory; more memory also means more CPU.')
param instanceMemoryMB int = 2048

@minValue(1)
@maxValue(1000)
@description('On-demand instances of a group of functions at most; HTTP requests and SignalR events are one group. Always-ready instances come on top. Below 40 is not available in every region.')
param maximumInstanceCount int = 100

@minValue(1)
@maxValue(1000)
@description('Requests and events that one instance works on at once; with more, another instance is started. For Python the platform\'s own default is 1, an instance for each. More is cheaper until the CPU is busy.')
param httpConcurrency int = 16

@description('Replace instances in batches when the app is deployed or a setting changes, instead of ending all of them and what they run. A preview of Flex Consumption. Costs nothing.')
param rollingUpdates bool = false

@description('Mail address that is told when functions fail, and when the SignalR Service is near its quota, overloaded, throttles, or fails. Empty: nobody. Each of four rules costs about 0.10 USD a month, each of two more about 0.50.')
param alertEmail string = ''

@description('Object id of a person who may use the SignalR Service with their own identity, from their machine or with the doctor. Empty: nobody. Costs nothing.')
param developerPrincipalId string = ''

@description('Keep a deleted key vault for 7 days even against its owner. Costs nothing, but azd down --purge cannot free the name. It cannot be turned off again.')
param vaultPurgeProtection bool = true

@secure()
@description('More app settings, for your own code. A deployment of the template removes settings that were made in the portal. Secrets go in from the environment, or as Key Vault references.')
param appSettings object = {}

var abbreviations = loadJsonContent('abbreviations.json')
var token = toLower(uniqueString(subscription().id, environmentName, location))
var tags = {
  'azd-env-name': environmentName
}

var functionAppName = '${abbreviations.webSitesFunctions}api-${token}'
var signalrName = '${abbreviations.signalRServiceSignalR}${token}'
var vaultName = '${abbreviations.keyVaultVaults}${token}'
var networkName = '${abbreviations.networkVirtualNetworks}${token}'
var apimName = '${abbreviations.apiManagementService}${token}'

// The name, not the app's property: the SignalR Service is made before the app, whose settings need it. The
// name is the host as long as the app asks for no unique one (autoGeneratedDomainNameLabelScope).
var functionAppHost = '${functionAppName}.azurewebsites.net'
var asked = filter(map(split(allowedOrigins, ','), origin => trim(origin)), origin => !empty(origin) && origin != '*')
// One list for both sides of CORS: negotiate, and the connection to the service.
var origins = union(['https://${functionAppHost}'], asked)
var useApiManagement = !empty(apimPublisherEmail)

// Refused here too: not every deployment goes through azd's hook.
var isFree = signalrSku == 'Free_F1'
var isBelowP2 = signalrSku == 'Premium_P2' && signalrUnits < 100
var isAboveStandard = signalrSku != 'Premium_P2' && signalrUnits > 100
var mistake = (upstream == 'http' && useManagedIdentity) ? 'upstream=http and useManagedIdentity exclude each other: the HTTP upstream checks signatures made with the access key' : (isFree && vnetEnabled) ? 'Free_F1 has no private endpoint: choose another signalrSku, or vnetEnabled=false' : (isFree && signalrUnits != 1) ? 'Free_F1 has exactly one unit: signalrUnits=1' : isBelowP2 ? 'Premium_P2 starts at 100 units' : isAboveStandard ? 'only Premium_P2 has more than 100 units' : (zoneRedundant && alwaysReadyInstances == 1) ? 'with zoneRedundant, alwaysReadyInstances is 0 or at least 2' : ''
var checkedName = empty(mistake) ? environmentName : fail(mistake)

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: '${abbreviations.resourcesResourceGroups}${checkedName}'
  location: location
  tags: tags
}

module identity 'app/identity.bicep' = {
  name: 'identity'
  scope: group
  params: {
    name: '${abbreviations.managedIdentityUserAssignedIdentities}api-${token}'
    location: location
    tags: tags
  }
}

module monitoring 'app/monitoring.bicep' = {
  name: 'monitoring'
  scope: group
  params: {
    workspaceName: '${abbreviations.operationalInsightsWorkspaces}${token}'
    componentName: '${abbreviations.insightsComponents}${token}'
    location: location
    tags: tags
    publisherPrincipalId: identity.outputs.principalId
  }
}

module storage 'app/storage.bicep' = {
  name: 'storage'
  scope: group
  params: {
    name: '${abbreviations.storageStorageAccounts}${token}'
    location: location
    tags: tags
    ownerPrincipalId: identity.outputs.principalId
    zoneRedundant: zoneRedundant
    isPrivate: vnetEnabled
  }
}

module signalr 'app/signalr.bicep' = {
  name: 'signalr'
  scope: group
  params: {
    name: signalrName
    location: location
    tags: tags
    sku: signalrSku
    units: signalrUnits
    allowedOrigins: origins
    isPrivate: vnetEnabled
    useManagedIdentity: useManagedIdentity
    ownerPrincipalId: identity.outputs.principalId
    workspaceId: monitoring.outputs.workspaceId
    upstream: upstream
    functionAppName: functionAppName
    functionAppHost: functionAppHost
    extensionKeyExists: signalrExtensionKeyExists
    developerPrincipalId: developerPrincipalId
  }
}

module vault 'app/vault.bicep' = if (!useManagedIdentity) {
  name: 'vault'
  scope: group
  params: {
    name: vaultName
    location: location
    tags: tags
    signalrName: signalrName
    activeKey: signalrActiveKey
    readerPrincipalId: identity.outputs.principalId
    workspaceId: monitoring.outputs.workspaceId
    isPrivate: vnetEnabled
    purgeProtection: vaultPurgeProtection
  }
  dependsOn: [
    signalr
  ]
}

module network 'app/network.bicep' = if (vnetEnabled) {
  name: 'network'
  scope: group
  params: {
    name: networkName
    location: location
    tags: tags
  }
}

module storageEndpoint 'app/private-endpoint.bicep' = if (vnetEnabled) {
  name: 'storage-endpoint'
  scope: group
  params: {
    name: '${abbreviations.networkPrivateEndpoints}storage-${token}'
    location: location
    tags: tags
    serviceId: storage.outputs.id
    groupId: 'blob'
    zoneName: 'privatelink.blob.${environment().suffixes.storage}'
    networkName: networkName
  }
  dependsOn: [
    network
  ]
}

// For the host's diagnostic events, and for an app that keeps streamed answers in a table.
module tablesEndpoint 'app/private-endpoint.bicep' = if (vnetEnabled) {
  name: 'tables-endpoint'
  scope: group
  params: {
    name: '${abbreviations.networkPrivateEndpoints}tables-${token}'
    location: location
    tags: tags
    serviceId: storage.outputs.id
    groupId: 'table'
    zoneName: 'privatelink.table.${environment().suffixes.storage}'
    networkName: networkName
  }
  dependsOn: [
    network
  ]
}

module signalrEndpoint 'app/private-endpoint.bicep' = if (vnetEnabled) {
  name: 'signalr-endpoint'
  scope: group
  params: {
    name: '${abbreviations.networkPrivateEndpoints}signalr-${token}'
    location: location
    tags: tags
    serviceId: signalr.outputs.id
    groupId: 'signalr'
    zoneName: 'privatelink.service.signalr.net'
    networkName: networkName
  }
  dependsOn: [
    network
  ]
}

module vaultEndpoint 'app/private-endpoint.bicep' = if (vnetEnabled && !useManagedIdentity) {
  name: 'vault-endpoint'
  scope: group
  params: {
    name: '${abbreviations.networkPrivateEndpoints}vault-${token}'
    location: location
    tags: tags
    serviceId: resourceId(subscription().subscriptionId, group.name, 'Microsoft.KeyVault/vaults', vaultName)
    groupId: 'vault'
    zoneName: 'privatelink.vaultcore.azure.net'
    networkName: networkName
  }
  dependsOn: [
    network
    vault
  ]
}

module api 'app/api.bicep' = {
  name: 'api'
  scope: group
  params: {
    name: functionAppName
    planName: '${abbreviations.webServerFarms}${token}'
    location: location
    tags: tags
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    blobEndpoint: storage.outputs.blobEndpoint
    packageContainerName: storage.outputs.packageContainerName
    insightsConnectionString: monitoring.outputs.connectionString
    signalrHostName: signalr.outputs.hostName
    vaultName: useManagedIdentity ? '' : vaultName
    // API Management answers the browser in its place; two answers would make the headers invalid.
    allowedOrigins: useApiManagement ? [] : origins
    upstream: upstream
    authClientId: authClientId
    authUnauthenticatedAction: authUnauthenticatedAction
    networkName: vnetEnabled ? networkName : ''
    zoneRedundant: zoneRedundant
    alwaysReadyInstances: alwaysReadyInstances
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    httpConcurrency: httpConcurrency
    rollingUpdates: rollingUpdates
    moreSettings: appSettings
  }
  // The references and the storage must be reachable when the app first starts.
  dependsOn: [
    vault
    storageEndpoint
    tablesEndpoint
    signalrEndpoint
    vaultEndpoint
  ]
}

module apim 'app/apim.bicep' = if (useApiManagement) {
  name: 'apim'
  scope: group
  params: {
    name: apimName
    location: location
    tags: tags
    sku: apimSku
    publisherEmail: apimPublisherEmail
    publisherName: environmentName
    functionAppHost: api.outputs.hostName
    allowedOrigins: origins
    workspaceId: monitoring.outputs.workspaceId
  }
}

module alerts 'app/alerts.bicep' = if (!empty(alertEmail)) {
  name: 'alerts'
  scope: group
  params: {
    name: '${abbreviations.insightsActionGroups}${token}'
    tags: tags
    email: alertEmail
    location: location
    signalrId: signalr.outputs.id
    workspaceId: monitoring.outputs.workspaceId
  }
}

// azd keeps these in the environment and gives them to the hooks.
output AZURE_LOCATION string = location
output AZURE_TENANT_ID string = tenant().tenantId
output AZURE_RESOURCE_GROUP string = group.name
output AZURE_KEY_VAULT_NAME string = useManagedIdentity ? '' : vaultName
output SERVICE_API_NAME string = api.outputs.name
output SERVICE_API_HOST string = api.outputs.hostName
output SERVICE_API_URI string = 'https://${api.outputs.hostName}/api/index'
output SERVICE_API_IDENTITY_PRINCIPAL_ID string = identity.outputs.principalId
output SIGNALR_NAME string = signalr.outputs.name
output NEGOTIATE_BASE_URI string = useApiManagement ? '${apim!.outputs.gatewayUrl}/realtime' : 'https://${api.outputs.hostName}/api'
