// Mails when the SignalR Service is near its quota, overloaded, throttles, or refuses and fails too often, when
// functions fail, and when the app or one of its resources is unhealthy.

param name string
param tags object
param email string
param location string
param signalrId string
param workspaceId string

// Each is a metric of the service: https://learn.microsoft.com/azure/azure-signalr/monitor-signalr-reference.
var alerts = [
  {
    name: 'connections-near-quota'
    metric: 'ConnectionQuotaUtilization'
    threshold: 80
  }
  {
    name: 'service-overloaded'
    metric: 'ServerLoad'
    threshold: 70
  }
  {
    name: 'service-errors'
    metric: 'SystemErrors'
    threshold: 1
  }
  {
    name: 'client-errors'
    metric: 'UserErrors'
    threshold: 10
  }
]

resource team 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: name
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    groupShortName: 'chat'
    emailReceivers: [
      {
        name: 'team'
        emailAddress: email
        useCommonAlertSchema: true
      }
    ]
  }
}

resource rules 'Microsoft.Insights/metricAlerts@2018-03-01' = [for alert in alerts: {
  name: alert.name
  location: 'global'
  tags: tags
  properties: {
    severity: 2
    enabled: true
    scopes: [
      signalrId
    ]
    evaluationFrequency: 'PT1M'
    windowSize: 'PT5M'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          name: alert.name
          criterionType: 'StaticThresholdCriterion'
          metricName: alert.metric
          timeAggregation: 'Maximum'
          operator: 'GreaterThan'
          threshold: alert.threshold
        }
      ]
    }
    actions: [
      {
        actionGroupId: team.id
      }
    ]
  }
}]

// The metrics of a Flex Consumption app do not tell failed calls from others, and those of the service do not tell
// throttled messages; the logs do.
var searches = [
  {
    name: 'failed-functions'
    query: 'AppRequests | where Success == false'
    threshold: 5
  }
  {
    name: 'throttled-clients-and-sends'
    query: 'SignalRServiceDiagnosticLogs | where Collection == "Throttling"'
    threshold: 0
  }
  // What the health check answers to whoever asks, such as an availability test.
  {
    name: 'app-unhealthy'
    query: 'AppRequests | where Name == "health" and ResultCode == "503"'
    threshold: 0
  }
]

resource logRules 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [for search in searches: {
  name: search.name
  location: location
  tags: tags
  properties: {
    severity: 2
    enabled: true
    scopes: [
      workspaceId
    ]
    evaluationFrequency: 'PT15M'
    windowSize: 'PT15M'
    // The tables are made by their first rows.
    skipQueryValidation: true
    criteria: {
      allOf: [
        {
          query: search.query
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: search.threshold
          failingPeriods: {
            numberOfEvaluationPeriods: 1
            minFailingPeriodsToAlert: 1
          }
        }
      ]
    }
    autoMitigate: true
    actions: {
      actionGroups: [
        team.id
      ]
    }
  }
}]

// What Azure itself finds: the app, the service, the vault or the storage does not work.
resource health 'Microsoft.Insights/activityLogAlerts@2020-10-01' = {
  name: 'resource-unhealthy'
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    scopes: [
      resourceGroup().id
    ]
    condition: {
      allOf: [
        {
          field: 'category'
          equals: 'ResourceHealth'
        }
        {
          anyOf: [
            {
              field: 'properties.currentHealthStatus'
              equals: 'Degraded'
            }
            {
              field: 'properties.currentHealthStatus'
              equals: 'Unavailable'
            }
          ]
        }
      ]
    }
    actions: {
      actionGroups: [
        {
          actionGroupId: team.id
        }
      ]
    }
  }
}
