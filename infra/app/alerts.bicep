// Mails when the SignalR Service is near its quota, overloaded, or refuses and fails too often.

param name string
param tags object
param email string
param signalrId string

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
